package bench

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/futex"
)

// thought is how long a sender waits so that the reader is surely asleep.
const thought = 100 * time.Microsecond

func (t task) think() {
	if t.Asleep {
		for end := time.Now().Add(thought); time.Now().Before(end); {
		}
	}
}

// rounds plays round trips: side 0 sends first. It returns how long they took without thinking.
func (s *stage) rounds(t task, send, receive func(i uint64) error) (time.Duration, error) {
	if err := s.meet(); err != nil {
		return 0, err
	}
	start := time.Now()
	for i := range uint64(t.Count) {
		if s.side == 0 {
			t.think()
			if err := send(i); err != nil {
				return 0, err
			}
		}
		if err := receive(i); err != nil {
			return 0, err
		}
		if s.side == 1 {
			t.think()
			if err := send(i); err != nil {
				return 0, err
			}
		}
	}
	took := time.Since(start)
	if t.Asleep {
		took -= 2 * time.Duration(t.Count) * thought
	}
	return max(took, 1), nil
}

// probeRounds is how many round trips of a line are measured at a time, and probes how many times.
const (
	probeRounds = 100
	probes      = 50
)

// line hands a word to and fro: the least that two processes can do. It returns the shortest of several
// times: the first trips after both CPUs were idle take longer, and so do those that other processes of a
// busy machine interrupt.
func (s *stage) line(t task) (best time.Duration, err error) {
	best = 1 << 62
	for range probes {
		took, err := s.trips(t)
		if err != nil {
			return 0, err
		}
		best = min(best, took)
	}
	return best, nil
}

func (s *stage) trips(t task) (time.Duration, error) {
	mine, theirs := &s.page.lines[s.side].word, &s.page.lines[1-s.side].word
	from := mine.Load() + 1
	t.Count = probeRounds
	return s.rounds(t, func(i uint64) error { mine.Store(from + i); return nil }, func(i uint64) error {
		for n := 0; theirs.Load() != from+i; n++ {
			if n > 1<<16 {
				return s.until(func() bool { return theirs.Load() == from+i })
			}
		}
		return nil
	})
}

// futex hands a word to and fro between processes that sleep.
func (s *stage) futex(t task) (time.Duration, error) {
	mine, theirs := &s.page.lines[s.side].futex, &s.page.lines[1-s.side].futex
	from := mine.Load() + 1
	return s.rounds(t, func(i uint64) error {
		mine.Store(from + uint32(i))
		futex.Wake(mine)
		return nil
	}, func(i uint64) error {
		for {
			now := theirs.Load()
			if now == from+uint32(i) {
				return nil
			}
			if err := futex.Wait(theirs, now, 200*time.Millisecond); err != nil {
				return err
			}
			if time.Now().After(s.limit) {
				return errLate
			}
		}
	})
}

// ping publishes copies of a frame to and fro, and copies each out, verified.
func (s *stage) ping(t task) (time.Duration, error) {
	e, err := s.open(t)
	if err != nil {
		return 0, err
	}
	ctx := context.Background()
	src, dst := s.buffers(t.Size)
	return s.rounds(t, func(uint64) error {
		_, err := e.pub.Publish(src, nil)
		return err
	}, func(uint64) error {
		m, err := e.sub.Next(ctx)
		if err != nil {
			return err
		}
		return e.client.ReadInto(dst, m.Frame.Offset, m.Frame.Checksum)
	})
}

// Ways in which a stream's frames come into the ring and out of it.
const (
	wayCopy      = "copy"      // Publish and ReadInto, verified
	wayPlace     = "place"     // Reserve and View, verified
	wayUnsure    = "unsure"    // the same, not verified
	wayPlain     = "plain"     // Go's copy in and out, not verified
	wayStreaming = "streaming" // a copy with streaming stores in, Go's copy out, not verified
)

// window is how many frames a stream is ahead at most: one that is read, and one that is written.
const window = 2

// stream sends frames from side 0 to side 1.
func (s *stage) stream(t task) (time.Duration, error) {
	e, err := s.open(t)
	if err != nil {
		return 0, err
	}
	src, dst := s.buffers(t.Size)
	seen := &s.page.seen.word
	from := seen.Load() // stands still between tasks: meet follows on both sides
	if err := s.meet(); err != nil {
		return 0, err
	}
	start := time.Now()
	for i := range uint64(t.Count) {
		if s.side == 1 {
			if err := e.take(t, dst); err != nil {
				return 0, err
			}
			seen.Store(from + i + 1)
			continue
		}
		if err := e.give(t, src); err != nil {
			return 0, err
		}
		if err := s.until(func() bool { return from+i+1-seen.Load() < window }); err != nil {
			return 0, err
		}
	}
	if s.side == 0 {
		if err := s.until(func() bool { return seen.Load() == from+uint64(t.Count) }); err != nil {
			return 0, err
		}
	}
	took := time.Since(start)
	s.stores = e.client.Stats().Stores
	if s.side == 1 && t.Way != wayPlace && t.Way != wayUnsure && !bytes.Equal(src, dst) {
		return 0, errors.New("the last frame that arrived is another than the one that was sent")
	}
	return took, nil
}

// give publishes a frame.
func (e *ends) give(t task, src []byte) error {
	if t.Way == wayCopy {
		_, err := e.pub.Publish(src, nil)
		return err
	}
	r, err := e.client.Reserve(t.Size)
	if err != nil {
		return err
	}
	switch t.Way {
	case wayPlain:
		copy(r.Bytes(), src)
	case wayStreaming:
		streamCopy(r.Bytes(), src)
	default:
		for w, i := words(r.Bytes()), 0; i < len(w); i += line / 8 {
			w[i] = uint64(i)
		}
	}
	commit := r.CommitUnverified
	if t.Way == wayPlace {
		commit = r.Commit
	}
	f, err := commit(t.Size)
	if err != nil {
		return err
	}
	_, err = e.pub.PublishFrame(f, nil, time.Time{})
	return err
}

// take receives a frame.
func (e *ends) take(t task, dst []byte) error {
	m, err := e.sub.Next(context.Background())
	if err != nil {
		return err
	}
	if m.Lost > 0 {
		return errors.New("frames were lost, although the ring has room for them")
	}
	switch t.Way {
	case wayCopy:
		return e.client.ReadInto(dst, m.Frame.Offset, m.Frame.Checksum)
	case wayPlain, wayStreaming:
		return e.client.View(m.Frame, func(p []byte) error { copy(dst, p); return nil })
	}
	return e.client.View(m.Frame, func(p []byte) error {
		wrong := uint64(0)
		for w, i := words(p), 0; i < len(w); i += line / 8 {
			wrong |= w[i] ^ uint64(i)
		}
		if wrong != 0 {
			return errors.New("a frame that arrived is another than the one that was sent")
		}
		return nil
	})
}
