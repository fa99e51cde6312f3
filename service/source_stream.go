package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

func (g *mirrorSource) close() {
	g.stream.Close()
	_ = g.sub.Close() // always nil
}

// run sends frames until the mirror is gone, or the ring.
func (g *mirrorSource) run(ctx context.Context) error {
	if err := g.stream.Heartbeat(); err != nil { // so that it knows that there is somebody
		return err
	}
	g.beat = time.Now()
	for {
		m, ok, err := g.next(ctx)
		switch {
		case ok && g.wanted(&m): // and neither left out nor there already
			err = g.send(ctx, m)
		case errors.Is(err, topic.ErrEnded):
			err = g.end(ctx)
		}
		if err == nil {
			err = g.keepUp()
		}
		if err != nil {
			return err
		}
	}
}

// lively is for how long after a frame the topic is looked at before this sleeps on it.
const lively = 2 * time.Second

// next waits for a frame, but not for so long that the mirror would wonder: ok tells whether there is one.
func (g *mirrorSource) next(ctx context.Context) (m topic.Message, ok bool, err error) {
	if m, ok, err = g.sub.TryNext(); ok || err != nil {
		g.came = time.Now()
		return m, ok, err
	}
	waiting, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if time.Since(g.came) > lively || !g.sub.OthersRead() {
		// Never with a thread: peers decide how many streams there are.
		g.sub.WaitShared(waiting, g.stream.Gone())
		err = ctx.Err()
	} else {
		err = g.lookout.wait(waiting, g.sub.Ready())
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = nil
	}
	return m, ok, err
}

// keepUp says each second that the stream is there, and ends it when the mirror is not.
func (g *mirrorSource) keepUp() error {
	select {
	case <-g.stream.Gone():
		return stream.ErrGone
	default:
	}
	if time.Since(g.beat) < time.Second {
		return nil
	}
	if time.Since(g.stream.LastAck()) > idleTimeout {
		return fmt.Errorf("%w: it said nothing for %v", stream.ErrGone, idleTimeout)
	}
	g.beat = time.Now()
	return g.stream.Heartbeat()
}

// wanted reports whether the frame is to be sent.
func (g *mirrorSource) wanted(m *topic.Message) bool {
	if g.request.Ring == g.name && m.Sequence < g.request.From {
		return false
	}
	if !g.begun {
		g.begun, g.first = true, m.Sequence
	}
	if !g.sampler.Selects(m.Sequence, time.Now()) {
		g.leftOut++
		return false
	}
	return true
}

// send sends a frame, unless the stream is too far behind for it.
func (g *mirrorSource) send(ctx context.Context, m topic.Message) error {
	if lag := g.sub.Lag(); lag >= maxBehind && !g.stream.Room() {
		g.resume = m.Sequence + lag
	}
	if m.Sequence < g.resume {
		return nil // the next number tells that it is lost
	}
	g.ended = false
	head, err := json.Marshal(mirrorFrame{
		Ring: g.name, Sequence: m.Sequence, Time: m.Time.UnixNano(), Size: m.Frame.Size, Checksum: m.Frame.Checksum, LeftOut: g.leftOut,
		Before: m.Sequence - g.first, Meta: m.Meta,
	})
	if err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	err = g.ring.View(m.Frame, func(bytes []byte) error {
		return g.signer.frame(head).send(ctx, g.stream, nats.Header{wire.HeaderFrame: {string(head)}}, bytes, 0, func() error {
			if !g.ring.Intact(m.Frame) {
				return errOverrun
			}
			return nil
		})
	})
	if err == nil {
		g.leftOut = 0
	}
	if errors.Is(err, framebuffer.ErrTimeout) || errors.Is(err, nats.ErrReconnectBufExceeded) {
		return nil // it has lost this one; what comes next says so
	}
	return err
}

// end tells the mirror once that the topic has ended, and waits for it to be opened again.
func (g *mirrorSource) end(ctx context.Context) error {
	if !g.ended {
		g.ended = true
		if err := g.stream.Send(ctx, g.signer.end(nats.Header{wire.HeaderEnd: {"1"}}), nil, func() error { return nil }); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-g.stream.Gone():
		return stream.ErrGone
	case <-time.After(50 * time.Millisecond): // nobody is told of an opening
		return nil
	}
}
