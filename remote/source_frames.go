package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// idleTimeout is how long a receiver may send no acknowledgement while data is outstanding.
const idleTimeout = 10 * time.Second

// errOverwritten ends the transfer of a frame that is overwritten meanwhile.
var errOverwritten = fberr.NewTimeout(framebuffer.Overwritten, "overwritten during the transfer")

// frameRequest is a request for the bytes of a frame.
type frameRequest struct {
	frame  framebuffer.Frame
	from   uint64       // position in the frame at which to begin
	window uint64       // bytes in flight
	signer *frameSigner // nil: the reader does not request a signature
}

// read answers a request for a frame with a stream of its bytes.
func (s *Source) read(r *nats.Msg) {
	leave, err := s.requests.enter(s.options.Replies.Requester(r))
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

// sendFrame sends the bytes that a request asks for. It returns nil if the requester is gone.
func (s *Source) sendFrame(r *nats.Msg) error {
	q, err := s.parseFrameRequest(r)
	if err != nil {
		return err
	}
	ring, err := s.ring()
	if err != nil {
		return err
	}
	out := s.sender.Open(r.Reply, stream.Options{Window: q.window, Idle: idleTimeout, Brief: true})
	defer out.Close()
	if !s.acquire(out) {
		return nil
	}
	defer func() { <-s.transfers }()
	err = s.view(ring, q.frame, func(bytes []byte) error {
		return q.signer.send(s.life, out, nil, bytes, q.from, func() error {
			if !ring.Intact(q.frame) {
				return errOverwritten
			}
			return nil
		})
	})
	switch {
	case errors.Is(err, framebuffer.ErrTimeout): // whatever the stream returned after that
		return err
	case errors.Is(err, stream.ErrGone), errors.Is(err, context.Canceled), errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed):
		s.log.Debug("a frame for another host was not sent to its end", "error.message", err)
		return nil
	}
	return err
}

func (s *Source) parseFrameRequest(r *nats.Msg) (q frameRequest, err error) {
	if q.frame, err = framebuffer.ParseFrame(r.Data); err != nil {
		return q, err
	}
	f := q.frame
	if f.Key != s.options.Key {
		return q, errNoSuchFrame
	}
	if q.from, err = headerNumber(r, wire.HeaderFrom); err != nil {
		return q, err
	}
	if q.window, err = headerNumber(r, wire.HeaderWindow); err != nil {
		return q, err
	}
	if f.Size < 1 || q.from > uint64(f.Size) {
		return q, fmt.Errorf("%w: %d bytes from number %d on; a frame has at least 1", framebuffer.ErrBadSize, f.Size, q.from)
	}
	q.signer, err = s.frameSigner(r, f)
	return q, err
}

// acquire waits until the source may send one more frame, and sends heartbeats meanwhile. It returns
// false if the requester is gone.
func (s *Source) acquire(out *stream.Stream) bool {
	for {
		select {
		case s.transfers <- struct{}{}:
			return true
		case <-s.life.Done():
			return false
		case <-out.Gone():
			return false
		case <-time.After(time.Second):
			if out.Heartbeat() != nil {
				return false
			}
		}
	}
}

// headerNumber returns the decimal number in a header, 0 without the header.
func headerNumber(r *nats.Msg, header string) (uint64, error) {
	text := r.Header.Get(header)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%w: header %s is %.40q, not a number of bytes in decimal", framebuffer.ErrBadSize, header, text)
	}
	return n, nil
}
