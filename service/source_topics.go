package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/sampler"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

// ErrNoTopic says that a host has no topic of that name, or none that is not a copy.
var ErrNoTopic = wire.ErrNoTopic

const (
	// maxBehind is how many frames a stream may be behind its topic. Then it goes on with the
	// newest: a mirror is live, and what is too much for a line does not become less by coming
	// later.
	maxBehind = 64
)

// mirrorRequest asks for a topic's frames.
type mirrorRequest struct {
	Topic  string  `json:"topic"`
	Ring   string  `json:"ring,omitempty"`   // which ring it had frames of, as mirrorFrame has it
	From   uint64  `json:"from,omitempty"`   // the first number that is wanted of that ring
	Oldest bool    `json:"oldest,omitempty"` // what there is already is wanted too
	Every  uint64  `json:"every,omitempty"`  // only numbers that this divides
	Rate   float64 `json:"rate,omitempty"`   // at most so many a second
	Window uint64  `json:"window,omitempty"` // as headerWindow
	Nonce  string  `json:"nonce,omitempty"`  // as headerNonce: what comes is to be signed
}

// mirrorFrame says what a frame is whose bytes follow.
type mirrorFrame struct {
	Ring     string               `json:"ring"` // tells rings of one host apart
	Sequence uint64               `json:"sequence"`
	Time     int64                `json:"time"` // ns since 1970
	Size     int                  `json:"size"`
	Checksum framebuffer.Checksum `json:"checksum"`
	LeftOut  uint64               `json:"left_out,omitempty"` // by Every and Rate, since the last
	Before   uint64               `json:"before,omitempty"`   // how many numbers there were before it, in this stream
	Meta     topic.Meta           `json:"meta"`
}

// mirror answers a mirrorRequest with a stream of the topic's frames, until nobody takes it.
func (s *Service) mirror(r *nats.Msg) {
	leave, err := s.give.mirrors.take(s.replies.Requester(r))
	if err != nil {
		s.respondError(r, err)
		return
	}
	s.work(func() {
		defer leave()
		g, err := s.openMirror(r)
		if err == nil {
			defer g.close()
			err = g.run(s.give.life)
		}
		switch {
		case err == nil, errors.Is(err, stream.ErrGone), errors.Is(err, context.Canceled):
		default:
			s.respondError(r, err)
		}
	})
}

// mirrorSource is one topic on its way to one mirror.
type mirrorSource struct {
	request mirrorRequest
	ring    *framebuffer.Client
	name    string // of the ring
	sub     *topic.Subscription
	stream  *stream.Stream
	leftOut uint64
	first   uint64 // the number that the stream began with
	begun   bool   // there was one
	resume  uint64 // the number to go on with, after falling behind
	sampler sampler.Sampler
	lookout *lookout
	came    time.Time // the last frame
	beat    time.Time
	ended   bool // and the mirror was told

	signer *streamSigner // nil: the mirror does not ask for signatures
}

func (s *Service) openMirror(r *nats.Msg) (*mirrorSource, error) {
	g := &mirrorSource{name: wire.ReadSubject(s.config.Server.Key()), lookout: &s.give.lookout}
	if err := json.Unmarshal(r.Data, &g.request); err != nil {
		return nil, fmt.Errorf("%w: a request for a topic is {\"topic\":\"…\"}: %w", framebuffer.ErrBadFrame, err)
	}
	if g.request.Rate < 0 {
		return nil, fmt.Errorf("%w: at most %v frames a second; 0 means all, and less there cannot be", framebuffer.ErrBadSize, g.request.Rate)
	}
	g.sampler = sampler.Sampler{Every: g.request.Every, Rate: g.request.Rate}
	var err error
	if g.signer, err = s.streamSigner(r.Data, g.request); err != nil {
		return nil, err
	}
	if g.ring, err = s.ring(true); err != nil {
		return nil, err
	}
	// Subscribing makes a topic where there is none, and who asks from afar should not.
	if err := exists(g.ring, g.request.Topic); err != nil {
		return nil, err
	}
	from := topic.FromNext
	if g.request.Ring != "" || g.request.Oldest { // what it missed may still be there
		from = topic.FromOldest
	}
	if g.sub, err = topic.Subscribe(g.ring, g.request.Topic, &topic.SubscribeOptions{From: from}); err != nil {
		return nil, err
	}
	g.stream = s.give.sender.Open(r.Reply, stream.Options{Window: g.request.Window, Idle: idleTimeout})
	return g, nil
}

func exists(ring *framebuffer.Client, name string) error {
	if topic.Exists(ring, name) {
		return nil
	}
	if err := ring.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %.100q on this host: nobody has published to it yet", ErrNoTopic, name)
}
