package service

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// addStreams adds what is answered with streams. It listens on the connection that the streams leave by: NATS
// sees to it that an answer finds its way only where it comes from the connection that got the request. What the
// asker has subscribed to may be known elsewhere later than its request is, where that went another way: over a
// gateway, or by another route to another server of a cluster. What is sent before that is dropped, and nobody
// is told. A second micro service on this connection would be listed as one more server.
func (s *Service) addStreams() (err error) {
	own := wire.Service + "." + s.micro.Info().ID
	if s.give.sender, err = stream.NewSender(s.give.nats, own); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	for subject, do := range map[string]nats.MsgHandler{
		wire.ReadSubject(s.config.Server.Key()): s.read,
		own + "." + wire.EndpointMirror:         s.mirror,
	} {
		sub, err := s.give.nats.Subscribe(subject, s.replies.Only(do))
		if err = natsconn.LimitRequests(sub, err); err != nil {
			return fmt.Errorf("service: endpoint %s: %w", subject, err)
		}
	}
	if err := s.give.nats.FlushTimeout(natsconn.ReadyTimeout); err != nil { // from here on they are known to NATS
		return fmt.Errorf("service: NATS at %s did not confirm within %v that it knows where frames are asked for; is it within reach?: %w", natsconn.RedactURL(s.access.URL), natsconn.ReadyTimeout, err)
	}
	return nil
}
