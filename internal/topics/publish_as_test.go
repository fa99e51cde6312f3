package topics

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// putAs publishes under a number.
func (s segment) putAs(p *Topic, sequence uint64, rec Record) (bool, error) {
	return p.PublishAs(sequence, sequence, &rec, func(size int) (uint64, []byte, error) { return s.ring.Allocate(size, ring.Stamp{}) })
}

// A copy has the numbers that it is given; all others are nothing, gone, or not published
// yet, whatever the gaps, across laps of the queue and of what its words can tell of them.
func TestNumbersOfACopy(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const depth = 4
		s := newSegment(t, 1<<20, 1, depth)
		p := s.open(t, "copy")
		steps := []uint64{0, 1, 1, 2, 3, depth - 1, depth, depth + 1, 31 * depth, 32 * depth, 32*depth + 1, 33 * depth, 1 << 40}
		next, given := uint64(0), map[uint64]uint64{}
		for range rapid.IntRange(1, 200).Draw(rt, "frames") {
			number := next + rapid.SampledFrom(steps).Draw(rt, "step")
			rec := s.frame(t)
			if ok, err := s.putAs(p, number, rec); !ok || err != nil {
				rt.Fatalf("number %d: %v, %v", number, ok, err)
			}
			given[number] = rec.Offset
			next = number + 1
			if p.Next() != next {
				rt.Fatalf("next is %d, want %d", p.Next(), next)
			}
			if ok, err := s.putAs(p, number, s.frame(t)); ok || err != nil {
				rt.Fatalf("number %d again: %v, %v", number, ok, err)
			}
			for back := range uint64(3 * depth) {
				at := next + depth - 1 - back
				if at >= 1<<62 {
					continue // before the first
				}
				var got Record
				sight := p.Load(at, &got)
				offset, there := given[at]
				switch {
				case at >= next:
					if sight != Unpublished || p.Published(at) || !p.Waiting(at) {
						rt.Fatalf("number %d, next %d: sight %d", at, next, sight)
					}
				case there && next-at <= depth:
					if sight != Ready || got.Offset != offset || got.Sequence != at {
						rt.Fatalf("number %d: sight %d, %+v", at, sight, got)
					}
				default:
					if sight != Lost {
						rt.Fatalf("number %d: sight %d", at, sight)
					}
				}
			}
		}
	})
}

// A sleeper is woken by a frame that skips the number it waits for.
func TestSleeperAtASkippedNumber(t *testing.T) {
	s := newSegment(t, 1<<16, 1, 4)
	p := s.open(t, "copy")
	asleep := make(chan struct{})
	done := make(chan error)
	go func() {
		for first := true; p.Waiting(2); first = false {
			if err := p.Sleep(func() bool {
				if first {
					close(asleep)
					first = false
				}
				return !p.Waiting(2)
			}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	<-asleep
	if ok, err := s.putAs(p, 5, s.frame(t)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Numbers that were left out pass the integrity check, and a publisher that knows of no
// copies goes on behind them.
func TestPublishBehindACopy(t *testing.T) {
	s := newSegment(t, 1<<16, 1, 8)
	p := s.open(t, "copy")
	if ok, err := s.putAs(p, 5, s.frame(t)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if n, err := s.put(p, s.frame(t)); n != 6 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for i := range uint64(5) {
		if word := p.word(i).Load(); word != p.lap(i) || word&^layout.QueueTag != 0 {
			t.Errorf("word %d is %x", i, word)
		}
	}
	p.End()
	if _, err := s.putAs(p, 9, s.frame(t)); err == nil || !errors.Is(err, fberr.Ended) {
		t.Errorf("after the end: %v", err)
	}
}
