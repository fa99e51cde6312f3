package remote

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

// mirrorRequest is a mirror's request for the frames of a topic, as JSON.
type mirrorRequest struct {
	Topic  string  `json:"topic"`
	Ring   string  `json:"ring,omitempty"`   // the ring that the mirror has had frames of: mirrorFrame.Ring
	From   uint64  `json:"from,omitempty"`   // the first sequence of that ring to send
	Oldest bool    `json:"oldest,omitempty"` // begin with the oldest frame instead of the next
	Every  uint64  `json:"every,omitempty"`  // only sequences that are multiples of this
	Rate   float64 `json:"rate,omitempty"`   // at most so many frames a second
	Window uint64  `json:"window,omitempty"` // bytes in flight, as wire.HeaderWindow
	Nonce  string  `json:"nonce,omitempty"`  // as wire.HeaderNonce: requests signatures
}

// mirrorFrame describes the frame whose bytes follow, as JSON in wire.HeaderFrame.
type mirrorFrame struct {
	Ring     string               `json:"ring"` // identifies the ring
	Sequence uint64               `json:"sequence"`
	Time     int64                `json:"time"` // ns since 1970
	Size     int                  `json:"size"`
	Checksum framebuffer.Checksum `json:"checksum"`
	LeftOut  uint64               `json:"left_out,omitempty"` // frames that Every and Rate left out since the last
	Before   uint64               `json:"before,omitempty"`   // how many sequences precede it in this stream
	Meta     topic.Meta           `json:"meta"`
}

// mirror answers a mirrorRequest with a stream of the topic's frames, until the mirror is gone.
func (s *Source) mirror(r *nats.Msg) {
	leave, err := s.mirrors.enter(s.options.Replies.Requester(r))
	if err != nil {
		s.respondError(r, err)
		return
	}
	s.work(func() {
		defer leave()
		err := s.sendTopic(r)
		if err == nil || errors.Is(err, stream.ErrGone) || errors.Is(err, context.Canceled) {
			return
		}
		s.respondError(r, err)
	})
}

func (s *Source) sendTopic(r *nats.Msg) error {
	t, err := s.openTopic(r)
	if err != nil {
		return err
	}
	defer t.close()
	return t.run(s.life)
}

// openTopic opens the stream that a request asks for.
func (s *Source) openTopic(r *nats.Msg) (*topicStream, error) {
	t := &topicStream{ringID: wire.ReadSubject(s.options.Key), poller: &s.poller}
	if err := json.Unmarshal(r.Data, &t.request); err != nil {
		return nil, fmt.Errorf("%w: a request for a topic is {\"topic\":\"…\"}: %w", framebuffer.ErrBadFrame, err)
	}
	if t.request.Rate < 0 {
		return nil, fmt.Errorf("%w: at most %v frames a second; 0 means all, and less there cannot be", framebuffer.ErrBadSize, t.request.Rate)
	}
	t.sampler = sampler.Sampler{Every: t.request.Every, Rate: t.request.Rate}
	var err error
	if t.signer, err = s.streamSigner(r.Data, t.request); err != nil {
		return nil, err
	}
	if t.ring, err = s.ring(); err != nil {
		return nil, err
	}
	// Subscribe would create the topic, which a request from another host must not do.
	if err := checkExists(t.ring, t.request.Topic); err != nil {
		return nil, err
	}
	from := topic.FromNext
	if t.request.Ring != "" || t.request.Oldest { // what the mirror missed may still be in the ring
		from = topic.FromOldest
	}
	if t.sub, err = topic.Subscribe(t.ring, t.request.Topic, &topic.SubscribeOptions{From: from}); err != nil {
		return nil, err
	}
	t.stream = s.sender.Open(r.Reply, stream.Options{Window: t.request.Window, Idle: idleTimeout})
	return t, nil
}

func checkExists(ring *framebuffer.Client, name string) error {
	if topic.Exists(ring, name) {
		return nil
	}
	if err := ring.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %.100q on this host: nothing has been published to it yet", ErrNoTopic, name)
}

// topicStream sends one topic to one mirror.
type topicStream struct {
	request mirrorRequest
	ring    *framebuffer.Client
	ringID  string // mirrorFrame.Ring
	sub     *topic.Subscription
	stream  *stream.Stream
	signer  *streamSigner // nil: the mirror does not request signatures
	sampler sampler.Sampler
	poller  *poller

	position      streamPosition
	lastFrame     time.Time
	lastHeartbeat time.Time
	endSent       bool // the mirror knows that the topic has ended
}

// streamPosition is how far a stream has come in its topic.
type streamPosition struct {
	begun   bool
	first   uint64 // the sequence that the stream began with
	resume  uint64 // the sequence to go on with after the lag was too large
	leftOut uint64 // frames that the sampler left out since the last that was sent
}

func (t *topicStream) close() {
	t.stream.Close()
	_ = t.sub.Close() // always nil
}
