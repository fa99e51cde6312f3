package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

// addLocators adds the endpoints at which this server is looked for. Without a queue group each
// server gets the question, and not one of them.
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

// at answers what about does, of all topics or of the one that is asked for.
func (s *Service) at(r *nats.Msg) error {
	return s.answer(r, func(body []byte) ([]byte, error) {
		h, err := s.itself()
		if err != nil {
			return nil, err
		}
		if len(body) > 0 {
			s.only(&h, string(body))
		}
		return h.text(s.answerRoom(r))
	})
}

// origin answers as at does if the topic is this server's and no copy. All other servers are
// silent, and at little cost: they are asked too, each time.
func (s *Service) origin(r *nats.Msg) error {
	name := string(r.Data)
	if ring, err := s.ring(false); err != nil || !topic.Exists(ring, name) {
		return nil
	}
	h, err := s.itself()
	if s.only(&h, name); err != nil || len(h.Topics) == 0 || h.Topics[0].Copy {
		return nil //nolint:nilerr // a server that cannot say has no answer
	}
	return s.answer(r, func([]byte) ([]byte, error) { return h.text(s.answerRoom(r)) })
}

// only forgets all topics and mirrors but one topic's, and says more of that. The answer is then
// short: see maxTopicAnswer.
func (s *Service) only(h *Host, name string) {
	h.Store = nil
	h.Topics = slices.DeleteFunc(h.Topics, func(t HostTopic) bool { return t.Name != name })
	h.Mirrors = slices.DeleteFunc(h.Mirrors, func(m MirrorStats) bool { return m.Topic != name })
	if len(h.Topics) == 0 {
		return
	}
	if ring, err := s.ring(false); err == nil {
		if m, there := topic.Newest(ring, name); there {
			h.Topics[0].Newest = m.Time.UnixNano()
		}
	}
}

// named returns the servers of that name, host or ID; with a topic, of topics only that. With nobody
// there it returns ErrNoServer.
func named(ctx context.Context, nc *nats.Conn, name, topicName string, trust *sign.Trust) ([]Host, error) {
	if !wire.ValidName(name) && !wire.ValidID(name) {
		return nil, fmt.Errorf("%w: %.80q is no name of a host: use 1 to 64 letters, digits, dots and hyphens", topic.ErrBadName, name)
	}
	all, err := answers(ctx, nc, wire.AtSubject(name), topicName, natsconn.RequestTimeout, trust)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%w: no host or server named %q on the NATS at %s: framebuffer hosts lists them", ErrNoServer, name, natsconn.RedactURL(nc.ConnectedUrl()))
	}
	return all, err
}

// originPatience is how long the first answer of who has a topic may take: nobody says that
// nobody has.
const originPatience = 2 * time.Second

// origins returns the servers that have a topic which is no copy.
func origins(ctx context.Context, nc *nats.Conn, topicName string, trust *sign.Trust) ([]Host, error) {
	return answers(ctx, nc, wire.SharedSubject(wire.EndpointOrigin), topicName, originPatience, trust)
}

// answers are what servers say of themselves. Of each that was asked for a topic no more is kept than
// that topic. With trust those alone count that are signed; if answers come and none is, the error is
// ErrUntrusted.
func answers(ctx context.Context, nc *nats.Conn, subject, topicName string, first time.Duration, trust *sign.Trust) (all []Host, err error) {
	ask, refused := natsconn.ManyRequest{Subject: subject, Data: []byte(topicName), MaxAnswer: natsconn.MaxAnswer, First: first, Next: natsconn.NextAnswer}, error(nil)
	if topicName != "" {
		ask.MaxAnswer = natsconn.MaxTopicAnswer
	}
	if trust != nil {
		ask.Nonce = sign.Nonce()
	}
	err = natsconn.RequestMany(ctx, nc, ask, func(m *nats.Msg, after time.Duration) bool {
		if m.Header.Get(micro.ErrorCodeHeader) != "" {
			return true
		}
		h, err := readHost(m.Data, ask.MaxAnswer)
		if err != nil || h.ID == "" {
			return true // of a peer that is no server
		}
		if trust != nil {
			if err := trust.Verify(m.Header.Get(wire.HeaderSignature), answerStatement(ask.Nonce, ask.Data, m.Data)); err != nil {
				refused = fmt.Errorf("%w: the server %.64q of host %.64q: %w", ErrUntrusted, h.Name, h.Host, err)
				return true
			}
		}
		if topicName != "" {
			h = Host{Host: h.Host, Name: h.Name, ID: h.ID, Topics: slices.DeleteFunc(h.Topics, func(t HostTopic) bool { return t.Name != topicName })}
			h.Topics = slices.Clone(h.Topics[:min(len(h.Topics), 1)])
		}
		h.RTT = after
		all = append(all, h)
		return true
	})
	if err == nil && len(all) == 0 {
		err = refused
	}
	return all, err
}
