package remote

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

const (
	// maxLag is how many frames a stream may lag while its window is full. Then it goes on with the
	// newest frame: a mirror is live, and what is too much for a link is not less later.
	maxLag = 64

	// activeFor is how long after a frame the poller watches a topic, instead of a wait on its futex.
	activeFor = 2 * time.Second

	// reopenInterval is how often a stream checks whether a topic that has ended was opened again.
	reopenInterval = 50 * time.Millisecond
)

// run sends frames until the mirror is gone or the ring has ended.
func (t *topicStream) run(ctx context.Context) error {
	if err := t.stream.Heartbeat(); err != nil { // tells the mirror that the request was accepted
		return err
	}
	t.lastHeartbeat = time.Now()
	for {
		m, ok, err := t.next(ctx)
		switch {
		case ok && t.wanted(&m):
			err = t.send(ctx, m)
		case errors.Is(err, topic.ErrEnded):
			err = t.sendEnd(ctx)
		}
		if err == nil {
			err = t.keepAlive()
		}
		if err != nil {
			return err
		}
	}
}

// next waits for a frame, for at most a second, so that the stream can send heartbeats: ok reports
// whether there is a frame.
func (t *topicStream) next(ctx context.Context) (m topic.Message, ok bool, err error) {
	if m, ok, err = t.sub.TryNext(); ok || err != nil {
		t.lastFrame = time.Now()
		return m, ok, err
	}
	waiting, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if time.Since(t.lastFrame) > activeFor || !t.sub.OthersRead() {
		// Without a thread of its own: other hosts decide how many streams there are.
		t.sub.WaitShared(waiting, t.stream.Gone())
		err = ctx.Err()
	} else {
		err = t.poller.wait(waiting, t.sub.Ready())
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = nil
	}
	return m, ok, err
}

// keepAlive sends a heartbeat each second, and returns [stream.ErrGone] if the mirror is gone.
func (t *topicStream) keepAlive() error {
	select {
	case <-t.stream.Gone():
		return stream.ErrGone
	default:
	}
	if time.Since(t.lastHeartbeat) < time.Second {
		return nil
	}
	if time.Since(t.stream.LastAck()) > idleTimeout {
		return fmt.Errorf("%w: it said nothing for %v", stream.ErrGone, idleTimeout)
	}
	t.lastHeartbeat = time.Now()
	return t.stream.Heartbeat()
}

// wanted reports whether to send a frame: the mirror does not have it, and the sampler takes it.
func (t *topicStream) wanted(m *topic.Message) bool {
	if t.request.Ring == t.ringID && m.Sequence < t.request.From {
		return false
	}
	if !t.position.begun {
		t.position.begun, t.position.first = true, m.Sequence
	}
	if !t.sampler.Selects(m.Sequence, time.Now()) {
		t.position.leftOut++
		return false
	}
	return true
}

// send sends a frame, unless the stream lags too far.
func (t *topicStream) send(ctx context.Context, m topic.Message) error {
	p := &t.position
	if lag := t.sub.Lag(); lag >= maxLag && !t.stream.Room() {
		p.resume = m.Sequence + lag
	}
	if m.Sequence < p.resume {
		return nil // the next sequence tells the mirror that this frame is lost
	}
	t.endSent = false
	head, err := json.Marshal(mirrorFrame{
		Ring: t.ringID, Sequence: m.Sequence, Time: m.Time.UnixNano(), Size: m.Frame.Size, Checksum: m.Frame.Checksum,
		LeftOut: p.leftOut, Before: m.Sequence - p.first, Meta: m.Meta,
	})
	if err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	err = t.ring.View(m.Frame, func(bytes []byte) error {
		return t.signer.frame(head).send(ctx, t.stream, nats.Header{wire.HeaderFrame: {string(head)}}, bytes, 0, func() error {
			if !t.ring.Intact(m.Frame) {
				return errOverwritten
			}
			return nil
		})
	})
	if err == nil {
		p.leftOut = 0
	}
	if errors.Is(err, framebuffer.ErrTimeout) || errors.Is(err, nats.ErrReconnectBufExceeded) {
		return nil // this frame is lost; the next sequence tells the mirror so
	}
	return err
}

// sendEnd tells the mirror once that the topic has ended, and waits a little for it to be opened again.
func (t *topicStream) sendEnd(ctx context.Context) error {
	if !t.endSent {
		t.endSent = true
		if err := t.stream.Send(ctx, t.signer.end(nats.Header{wire.HeaderEnd: {"1"}}), nil, func() error { return nil }); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.stream.Gone():
		return stream.ErrGone
	case <-time.After(reopenInterval):
		return nil
	}
}
