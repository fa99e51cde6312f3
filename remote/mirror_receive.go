package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

// sourceTimeout is how long a source, which sends a heartbeat each second, may send nothing.
const sourceTimeout = 4 * time.Second

// receive requests the topic from a server and copies its frames. Its error, which is never nil, says
// why the stream ended.
func (m *Mirror) receive(ctx context.Context, h Host) error {
	request, window, err := m.request()
	if err != nil {
		return err
	}
	ask := nats.NewMsg(wire.OwnSubject(h.ID, wire.EndpointMirror))
	ask.Data = request
	in, err := stream.NewRequester(m.nats).Request(ask, window)
	if err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	defer in.Close()
	if !m.position.begun {
		m.position.lastTime = time.Now()
	}
	if m.keys != nil {
		return m.receiveParts(ctx, in, h, m.newVerifier(h, request).take)
	}
	var now incoming
	defer func() {
		if now.open { // the mirror requests it again
			m.position.next = now.head.Sequence
		}
		m.discard(&now)
	}()
	return m.receiveParts(ctx, in, h, func(p stream.Part) error { return m.take(&now, p) })
}

// request returns the text of the mirror's request, and its window.
func (m *Mirror) request() (text []byte, window uint64, err error) {
	r := mirrorRequest{
		Topic: m.options.Topic, Every: uint64(m.options.Every), Rate: m.options.Rate, Window: uint64(m.options.Window),
	}
	switch {
	case m.paused: // what was published meanwhile is not wanted
	case m.position.begun:
		r.Ring, r.From = m.position.ring, m.position.next
	default:
		r.Oldest = m.waited
	}
	if m.keys != nil {
		r.Nonce = sign.Nonce()
	}
	if text, err = json.Marshal(r); err != nil {
		return nil, 0, fmt.Errorf("mirror: %w", err)
	}
	return text, r.Window, nil
}

// receiveParts hands each part of a stream to take. It ends the stream when another server has newer
// frames, or when a mirror on demand has no subscribers any more.
func (m *Mirror) receiveParts(ctx context.Context, in *stream.Receiver, h Host, take func(stream.Part) error) error {
	search := newSearchTimer()
	checked := time.Now()
	for {
		p, err := nextPart(ctx, in)
		if err != nil {
			return err
		}
		if !p.Heartbeat {
			search = newSearchTimer()
		} else if search.due() && m.moved(ctx, h.ID) {
			return errMoved
		}
		if word := p.Header.Get(micro.ErrorCodeHeader); word != "" {
			return wire.ErrorOf(word, p.Header.Get(micro.ErrorHeader))
		}
		if p.Heartbeat {
			m.setRunning()
		}
		if err := take(p); err != nil {
			return err
		}
		if m.options.OnDemand && time.Since(checked) > time.Second {
			checked = time.Now()
			if wanted, err := m.hasSubscribers(); err != nil {
				return err
			} else if !wanted {
				return errNoSubscribers
			}
		}
	}
}

func nextPart(ctx context.Context, in *stream.Receiver) (stream.Part, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	p, err := in.Next(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("its host said nothing for %v: %w", sourceTimeout, err)
	}
	return p, err
}

// setRunning notes a heartbeat of the source: it has accepted the request.
func (m *Mirror) setRunning() {
	m.count(func(s *MirrorStats) {
		if s.State != MirrorRunning {
			s.State, s.Why = MirrorRunning, ""
			s.Starts++
			m.log.Info("the topic comes", "framebuffer.host", s.Host, "framebuffer.server.id", s.ID)
		}
	})
}

// take takes a part, and publishes the frame that it completes.
func (m *Mirror) take(now *incoming, p stream.Part) error {
	end, text := p.Header.Get(wire.HeaderEnd) != "", p.Header.Get(wire.HeaderFrame)
	if now.open && (p.Lost > 0 || end || text != "") { // the rest of the frame does not come
		if err := m.countUnfinished(now); err != nil {
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
	complete, err := m.add(now, p.Data)
	if err != nil || !complete {
		return err
	}
	return m.publish(now)
}

// begin begins a frame. It passes over a header that is not valid, and a frame larger than the ring.
func (m *Mirror) begin(now *incoming, text string) {
	var h mirrorFrame
	if err := json.Unmarshal([]byte(text), &h); err != nil || h.Size < 1 {
		m.count(func(s *MirrorStats) { s.Refused++ })
		return
	}
	if !m.accept(&h) {
		return
	}
	if h.Size > m.ring.MaxSize() {
		m.log.Debug("a frame is larger than the ring", "framebuffer.size", h.Size)
		m.count(func(s *MirrorStats) { s.Refused++ })
		return
	}
	now.head, now.open = h, true
}

// publish publishes a frame that has arrived, if its bytes match its checksum.
func (m *Mirror) publish(now *incoming) error {
	h := now.head
	f, err := now.into.Commit(h.Size)
	now.reset()
	if err == nil && f.Checksum != h.Checksum {
		err = fberr.NewTimeout(framebuffer.Altered, "frame %d arrived with the checksum %v, not %v", h.Sequence, f.Checksum, h.Checksum)
	}
	if err == nil {
		err = m.publishAs(f, h)
	}
	switch {
	case errors.Is(err, framebuffer.ErrClosed), errors.Is(err, framebuffer.ErrCorrupt):
		return err
	case err != nil:
		m.budget.wasted += uint64(h.Size)
		m.log.Debug("a frame was not published", "error.message", err)
		m.count(func(s *MirrorStats) { s.Refused++ })
		return nil
	}
	m.budget.used += uint64(h.Size)
	m.count(func(s *MirrorStats) { s.Frames++; s.Bytes += uint64(h.Size) })
	return nil
}

// publishAs publishes a frame with the sequence, time and metadata of the source's. It opens the topic
// again if the source has.
func (m *Mirror) publishAs(f framebuffer.Frame, h mirrorFrame) error {
	sequence := m.position.offset + h.Sequence
	of := topic.Message{Sequence: sequence, Time: time.Unix(0, h.Time), Lost: sequence - min(m.position.first, sequence), Meta: h.Meta}
	_, err := m.pub.Mirror(f, of)
	if errors.Is(err, topic.ErrEnded) {
		if err = m.pub.Reopen(); err == nil {
			_, err = m.pub.Mirror(f, of)
		}
	}
	return err
}
