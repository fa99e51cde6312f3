package service

import (
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/topic"
)

// addLocators adds the endpoints that find servers. They have no queue group, so that every server gets
// each request.
func (s *Service) addLocators() error {
	names := []string{s.config.host(), natsconn.NameOrDefault(s.config.Name), s.micro.Info().ID}
	slices.Sort(names)
	for i, name := range slices.Compact(names) {
		if err := s.micro.add(fmt.Sprintf("%s-%d", wire.EndpointAt, i+1), wire.AtSubject(name), "", s.at); err != nil {
			return err
		}
	}
	return s.micro.add(wire.EndpointOrigin, wire.SharedSubject(wire.EndpointOrigin), "", s.origin)
}

// at answers as about does, with all topics or with the one that is asked for.
func (s *Service) at(r *nats.Msg) error {
	return s.answer(r, func(body []byte) ([]byte, error) {
		h, err := s.describe()
		if err != nil {
			return nil, err
		}
		if len(body) > 0 {
			s.keepTopic(&h, string(body))
		}
		return h.Encode(s.answerLimit(r))
	})
}

// origin answers as at does if this server has the topic and it is not a mirror. Every other server
// gets the request too, does not answer, and spends little on it.
func (s *Service) origin(r *nats.Msg) error {
	name := string(r.Data)
	if ring, err := s.ring(); err != nil || !topic.Exists(ring, name) {
		return nil //nolint:nilerr // a server that cannot tell does not answer
	}
	h, err := s.describe()
	if s.keepTopic(&h, name); err != nil || len(h.Topics) == 0 || h.Topics[0].Mirror {
		return nil //nolint:nilerr // a server that cannot tell does not answer
	}
	return s.answer(r, func([]byte) ([]byte, error) { return h.Encode(s.answerLimit(r)) })
}

// keepTopic removes all topics and mirrors but those of one name, and adds when the topic's newest frame
// was published. The answer is then short: see natsconn.MaxTopicAnswer.
func (s *Service) keepTopic(h *remote.Host, name string) {
	h.Store = nil
	h.Topics = slices.DeleteFunc(h.Topics, func(t remote.HostTopic) bool { return t.Name != name })
	h.Mirrors = slices.DeleteFunc(h.Mirrors, func(m remote.MirrorStats) bool { return m.Topic != name })
	if len(h.Topics) == 0 {
		return
	}
	if ring, err := s.ring(); err == nil {
		if m, ok := topic.Newest(ring, name); ok {
			h.Topics[0].Newest = m.Time.UnixNano()
		}
	}
}
