package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

const (
	// maxReads is how many frames are on their way at a time, maxWaiting how many more may
	// wait for that.
	maxReads   = 64
	maxWaiting = 1024

	// leastPayload is what a message must hold: a part's headers, metadata among them, and some of it.
	leastPayload = 8 << 10

	// idleTimeout is how long a receiver that has something to say may say nothing.
	idleTimeout = 10 * time.Second
)

// sourceState are what a service needs to give frames to other hosts.
type sourceState struct {
	nats   *nats.Conn // of streams, and what asks for them: publishing may wait with its lock held
	sender *stream.Sender
	life   context.Context
	end    context.CancelFunc
	turn   chan struct{} // one for each frame on its way
	queue  *room         // for frames on their way or waiting

	guesses guesses

	mirrors *room   // for topics on their way
	lookout lookout // for those
}

func (s *Service) openSource() (err error) {
	g := &s.give
	g.life, g.end = context.WithCancel(context.Background())
	g.turn = make(chan struct{}, maxReads)
	g.queue = newRoom("frames are on their way to other hosts or wait", maxReads+maxWaiting)
	g.mirrors = newRoom("topics are mirrored from here", mostMirrors(os.DirFS("/")))
	// What cannot be sent now is of no use later: nothing is kept for after a reconnection.
	opts := append(s.embedded.InProcess(), nats.ReconnectBufSize(-1), nats.FlusherTimeout(idleTimeout), natsconn.LogErrors(s.log))
	if g.nats, err = s.access.Dial(context.Background(), "framebuffer server, frames", opts...); err != nil {
		return err
	}
	if most := g.nats.MaxPayload(); most < leastPayload {
		return fmt.Errorf("service: NATS at %s takes payloads of %d bytes at most, and what goes to other hosts needs %d: raise max_payload in its configuration", natsconn.RedactURL(s.access.URL), most, leastPayload)
	}
	return nil
}

// read answers a frame with its bytes, in parts.
func (s *Service) read(r *nats.Msg) {
	leave, err := s.give.queue.take(s.replies.Requester(r))
	if err != nil {
		s.respondError(r, err)
		return
	}
	s.work(func() {
		defer leave()
		if err := s.sendFrame(r); err != nil {
			s.respondError(r, err)
		}
	})
}

// acquire waits until the frame may be sent, and says each second that it will be. It
// reports false when nobody wants it any more.
func (s *Service) acquire(stream *stream.Stream) bool {
	for {
		select {
		case s.give.turn <- struct{}{}:
			return true
		case <-s.give.life.Done():
			return false
		case <-stream.Gone():
			return false
		case <-time.After(time.Second):
			if stream.Heartbeat() != nil {
				return false
			}
		}
	}
}

// sendFrame sends a frame's bytes. It returns nil when there is nobody to tell of an error.
func (s *Service) sendFrame(r *nats.Msg) error {
	f, err := framebuffer.ParseFrame(r.Data)
	if err != nil {
		return err
	}
	if f.Key != s.config.Server.Key() {
		return errNotThat
	}
	from, err := number(r, wire.HeaderFrom)
	if err != nil {
		return err
	}
	window, err := number(r, wire.HeaderWindow)
	if err != nil {
		return err
	}
	if f.Size < 1 || from > uint64(f.Size) {
		return fmt.Errorf("%w: %d bytes from number %d on; a frame has at least 1", framebuffer.ErrBadSize, f.Size, from)
	}
	seal, err := s.sealing(r, f)
	if err != nil {
		return err
	}
	ring, err := s.ring(true)
	if err != nil {
		return err
	}
	out := s.give.sender.Open(r.Reply, stream.Options{Window: window, Idle: idleTimeout, Brief: true})
	defer out.Close()
	if !s.acquire(out) {
		return nil
	}
	defer func() { <-s.give.turn }()
	// The reader verifies too, by the checksum that it knows.
	err = s.give.giveKnown(ring, f, func(bytes []byte) error {
		return seal.send(s.give.life, out, nil, bytes, from, func() error {
			if !ring.Intact(f) {
				return errOverrun
			}
			return nil
		})
	})
	switch {
	case errors.Is(err, framebuffer.ErrTimeout): // also whatever Send said after that
		return err
	case errors.Is(err, stream.ErrGone), errors.Is(err, context.Canceled), errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed):
		s.log.Debug("a frame for another host was not sent to its end", "error.message", err)
		return nil
	}
	return err
}

// errOverrun ends a View that then finds the same, and says more.
var errOverrun = fmt.Errorf("%w: overrun while it travelled", framebuffer.ErrTimeout)

// respondError answers with an error, behind the parts, as micro does.
func (s *Service) respondError(r *nats.Msg, err error) {
	m := nats.NewMsg(r.Reply)
	m.Header.Set(micro.ErrorCodeHeader, wire.CodeOf(err))
	m.Header.Set(micro.ErrorHeader, err.Error())
	m.Header.Set(wire.HeaderID, s.micro.Info().ID)
	if err := s.give.nats.PublishMsg(m); err != nil {
		s.log.Warn("an answer was not sent", "messaging.destination.name", r.Subject, "error.message", err)
	}
}

// number is a header's, or 0.
func number(r *nats.Msg, header string) (uint64, error) {
	text := r.Header.Get(header)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%w: header %s is %.40q, no number of bytes in decimal", framebuffer.ErrBadSize, header, text)
	}
	return n, nil
}
