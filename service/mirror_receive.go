package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

// quietSource is how long a source, which says each second that it is there, may say nothing.
const quietSource = 4 * time.Second

// follow copies from one server. Its error, which is never nil, says why it ended.
func (m *Mirror) follow(ctx context.Context, h Host) error {
	id := h.ID
	request := mirrorRequest{
		Topic: m.options.Topic, Every: uint64(m.options.Every), Rate: m.options.Rate, Window: uint64(m.options.Window),
	}
	switch {
	case m.paused: // what came meanwhile nobody wanted
	case m.began:
		request.Ring, request.From = m.source, m.last
	default:
		request.Oldest = m.waited
	}
	if m.keys != nil {
		request.Nonce = sign.Nonce()
	}
	data, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	ask := nats.NewMsg(wire.OwnSubject(id, wire.EndpointMirror))
	ask.Data = data
	in, err := stream.NewRequester(m.nats).Request(ask, request.Window)
	if err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	defer in.Close()
	if !m.began {
		m.numbered = time.Now()
	}
	vetted := m.vetting(h, data)
	var now arriving
	defer func() {
		if now.open { // asked for again, if it is still there
			m.last = now.head.Sequence
		}
		m.drop(&now)
	}()
	looked := time.Now()
	look, gap := looked.Add(firstLook), firstLook // for others, when nothing comes from this one
	for {
		p, err := nextPart(ctx, in)
		if err != nil {
			return err
		}
		if !p.Heartbeat {
			look, gap = time.Now().Add(firstLook), firstLook
		} else if time.Now().After(look) {
			if m.moved(ctx, id) {
				return errMoved
			}
			gap = min(2*gap, lastLook)
			look = time.Now().Add(gap)
		}
		if word := p.Header.Get(micro.ErrorCodeHeader); word != "" {
			return wire.ErrorOf(word, p.Header.Get(micro.ErrorHeader))
		}
		m.beats(p)
		if vetted != nil {
			err = vetted.take(p)
		} else {
			err = m.take(&now, p)
		}
		if err != nil {
			return err
		}
		if m.options.OnDemand && time.Since(looked) > time.Second {
			looked = time.Now()
			wanted, err := m.wanted()
			if err != nil {
				return err
			}
			if !wanted {
				return errUnwanted
			}
		}
	}
}

var errUnwanted = errors.New("nobody subscribes to it here any more")

func nextPart(ctx context.Context, in *stream.Receiver) (stream.Part, error) {
	ctx, cancel := context.WithTimeout(ctx, quietSource)
	defer cancel()
	p, err := in.Next(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("its host said nothing for %v: %w", quietSource, err)
	}
	return p, err
}

// beats counts that the topic comes, when its host says so.
func (m *Mirror) beats(p stream.Part) {
	if p.Heartbeat {
		m.count(func(s *MirrorStats) {
			if s.State != "running" {
				s.State, s.Why = "running", ""
				s.Starts++
				m.log.Info("the topic comes", "framebuffer.host", s.Host, "framebuffer.server.id", s.ID)
			}
		})
	}
}

// take puts a part where it belongs, and publishes the frame that it completes.
func (m *Mirror) take(now *arriving, p stream.Part) error {
	end, text := p.Header.Get(wire.HeaderEnd) != "", p.Header.Get(wire.HeaderFrame)
	if now.open && (p.Lost > 0 || end || text != "") { // the rest of it does not come
		if err := m.unfinished(now); err != nil {
			return err
		}
	}
	if end {
		return m.pub.End()
	}
	if text != "" {
		m.begin(now, text)
	}
	if !now.open || p.Heartbeat {
		return nil
	}
	whole, err := m.add(now, p.Data)
	if err != nil || !whole {
		return err
	}
	return m.publish(now)
}

// begin begins a frame. What is no frame, or larger than the ring, is passed over.
func (m *Mirror) begin(now *arriving, text string) {
	var h mirrorFrame
	if err := json.Unmarshal([]byte(text), &h); err != nil || h.Size < 1 {
		m.count(func(s *MirrorStats) { s.Refused++ })
		return
	}
	if !m.number(&h) {
		return
	}
	if h.Size > m.ring.MaxSize() {
		m.log.Debug("a frame is larger than the ring", "framebuffer.size", h.Size)
		m.count(func(s *MirrorStats) { s.Refused++ })
		return
	}
	now.head, now.open = h, true
}

// publish publishes what has arrived, if it is what was written.
func (m *Mirror) publish(now *arriving) error {
	h := now.head
	f, err := now.into.Commit(h.Size)
	now.over()
	if err == nil && f.Checksum != h.Checksum {
		err = fmt.Errorf("%w: frame %d arrived with the checksum %v, not %v", framebuffer.ErrTimeout, h.Sequence, f.Checksum, h.Checksum)
	}
	if err == nil {
		number := m.base + h.Sequence
		of := topic.Message{Sequence: number, Time: time.Unix(0, h.Time), Lost: number - min(m.first, number), Meta: h.Meta}
		if _, err = m.pub.Mirror(f, of); errors.Is(err, topic.ErrEnded) {
			if err = m.pub.Reopen(); err == nil {
				_, err = m.pub.Mirror(f, of)
			}
		}
	}
	switch {
	case errors.Is(err, framebuffer.ErrClosed), errors.Is(err, framebuffer.ErrCorrupt):
		return err
	case err != nil:
		m.trust.wasted += uint64(h.Size)
		m.log.Debug("a frame was not published", "error.message", err)
		m.count(func(s *MirrorStats) { s.Refused++ })
		return nil
	}
	m.trust.used += uint64(h.Size)
	m.count(func(s *MirrorStats) { s.Frames++; s.Bytes += uint64(h.Size) })
	return nil
}
