package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// record sends frames until the topic or the context ends, and then waits until all of them are
// stored, or life ends. It returns earlier when a frame is not stored.
func (r *Recorder) record(ctx, life context.Context) error {
	waits, stop := context.WithCancel(ctx)
	defer stop()
	r.writer.begin(stop)
	r.begins()
	for {
		m, err := r.next(waits)
		switch {
		case err == nil:
			if err := r.keep(life, m); err != nil {
				return err
			}
		case errors.Is(err, topic.ErrEnded), ctx.Err() != nil:
			return r.writer.settle(life)
		case waits.Err() != nil:
			return r.writer.failure()
		default: // the ring has ended; what was sent may still be stored
			limited, cancel := context.WithTimeout(life, leaveLimit)
			defer cancel()
			_ = r.writer.settle(limited) // leave counts the frames that are not stored
			return err
		}
	}
}

// next returns the next frame to store.
func (r *Recorder) next(ctx context.Context) (topic.Message, error) {
	if len(r.again) > 0 {
		m := r.again[0]
		r.again = r.again[1:]
		return m, nil
	}
	for {
		m, err := r.sub.Next(ctx)
		r.went(m, err)
		if err != nil || r.sampler.Selects(m.Sequence, time.Now()) {
			return m, err
		}
		r.count(func(s *RecorderStats) { s.LeftOut++ })
	}
}

// keep copies a frame out of the ring, verifies the copy and sends it, so that the ring may
// overwrite the chunk while the frame is being sent.
func (r *Recorder) keep(ctx context.Context, m topic.Message) error {
	if !r.fits(m.Frame.Size) {
		r.count(func(s *RecorderStats) { s.Refused++ })
		return nil
	}
	r.buffer = slices.Grow(r.buffer[:0], m.Frame.Size)[:m.Frame.Size]
	err := r.ring.ReadInto(r.buffer, m.Frame.Offset, m.Frame.Checksum)
	switch {
	case err == nil:
		return r.writer.send(ctx, m, time.Since(r.began), r.buffer)
	case errors.Is(err, framebuffer.ErrClosed), errors.Is(err, framebuffer.ErrCorrupt):
		r.again = append([]topic.Message{m}, r.again...) // leave counts it as lost
		return err
	}
	r.log.Debug("a frame was gone before it was recorded", "error.message", fmt.Errorf("number %d: %w", m.Sequence, err))
	r.count(func(s *RecorderStats) { s.Lost++ })
	return nil
}

// fits reports whether a frame, with what JetStream adds, is within the recording's MaxBytes. With
// a larger frame, JetStream would delete its first part to store its last.
func (r *Recorder) fits(size int) bool {
	most := r.writer.stream.CachedInfo().Config.MaxBytes
	return most <= 0 || int64(size)+int64(size/r.writer.part+1)*headerRoom <= most
}
