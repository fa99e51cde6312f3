package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/topics"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Servers are found by a name, or by a topic, without asking everybody who they are: among
// thousands only those answer that are meant. All that are meant do, and each says what about
// says, of topics only the one that is looked for.
const (
	epAt     = "at"     // framebuffer.at.NAME; the body is a topic or nothing
	epOrigin = "origin" // framebuffer.origin; the body is a topic
)

// atSubject is where servers of that name, or on a host of that name, answer. A dot would begin a
// new token, and names may begin or end with one.
func atSubject(name string) string {
	return serviceName + "." + epAt + "." + strings.ReplaceAll(name, ".", "_")
}

// addLocators adds the endpoints at which this server is looked for. Without a queue group each
// server gets the question, and not one of them.
func (s *Service) addLocators() error {
	names := []string{s.config.host(), orDefault(s.config.Name), s.micro.Info().ID}
	slices.Sort(names)
	for i, name := range slices.Compact(names) {
		if err := s.micro.add(fmt.Sprintf("%s-%d", epAt, i+1), atSubject(name), "", s.at); err != nil {
			return err
		}
	}
	return s.micro.add(epOrigin, serviceName+"."+epOrigin, "", s.origin)
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
	if _, there := s.topic(name); !there {
		return nil
	}
	h, err := s.itself()
	if s.only(&h, name); err != nil || len(h.Topics) == 0 || h.Topics[0].Copy {
		return nil //nolint:nilerr // a server that cannot say has no answer
	}
	return s.answer(r, func([]byte) ([]byte, error) { return h.text(s.answerRoom(r)) })
}

// only forgets all topics and mirrors but one topic's, and says more of that. The answer is then
// short: see brieflyTopic.
func (s *Service) only(h *Host, name string) {
	h.Store = nil
	h.Topics = slices.DeleteFunc(h.Topics, func(t HostTopic) bool { return t.Name != name })
	h.Mirrors = slices.DeleteFunc(h.Mirrors, func(m MirrorStats) bool { return m.Topic != name })
	if t, there := s.topic(name); there && len(h.Topics) > 0 {
		var rec topics.Record
		if t.LoadOnce(t.Newest(), &rec) {
			h.Topics[0].Newest = rec.Time
		}
	}
}

// topic returns a topic of the own ring if there is one of that name.
func (s *Service) topic(name string) (*topics.Topic, bool) {
	ring, err := s.ring(false)
	if err != nil {
		return nil, false
	}
	in := ring.Segment()
	return topics.Find(in.Control, in.Ring, name)
}

// named returns the servers of that name, host or ID; with a topic, of topics only that. With nobody
// there it returns ErrNoServer.
func named(ctx context.Context, nc *nats.Conn, name, topicName string, trust *sign.Trust) ([]Host, error) {
	if !nameForm.MatchString(name) && !idForm.MatchString(name) {
		return nil, fmt.Errorf("%w: %.80q is no name of a host: use 1 to 64 letters, digits, dots and hyphens", topic.ErrBadName, name)
	}
	all, err := answers(ctx, nc, atSubject(name), topicName, rpcLimit, trust)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%w: no host or server named %q on the NATS at %s: framebuffer hosts lists them", ErrNoServer, name, shown(nc.ConnectedUrl()))
	}
	return all, err
}

// originPatience is how long the first answer of who has a topic may take: nobody says that
// nobody has.
const originPatience = 2 * time.Second

// origins returns the servers that have a topic which is no copy.
func origins(ctx context.Context, nc *nats.Conn, topicName string, trust *sign.Trust) ([]Host, error) {
	return answers(ctx, nc, serviceName+"."+epOrigin, topicName, originPatience, trust)
}

// answers are what servers say of themselves. Of each that was asked for a topic no more is kept than
// that topic. With trust those alone count that are signed; if answers come and none is, the error is
// ErrUntrusted.
func answers(ctx context.Context, nc *nats.Conn, subject, topicName string, first time.Duration, trust *sign.Trust) (all []Host, err error) {
	ask, refused := question{subject: subject, data: []byte(topicName), each: longest, first: first, quiet: rollQuiet}, error(nil)
	if topicName != "" {
		ask.each = brieflyTopic
	}
	if trust != nil {
		ask.nonce = sign.Nonce()
	}
	err = gather(ctx, nc, ask, func(m *nats.Msg, after time.Duration) bool {
		if m.Header.Get(micro.ErrorCodeHeader) != "" {
			return true
		}
		h, err := readHost(m.Data, ask.each)
		if err != nil || h.ID == "" {
			return true // of a peer that is no server
		}
		if trust != nil {
			if err := trust.Verify(m.Header.Get(headerSignature), answerStatement(ask.nonce, ask.data, m.Data)); err != nil {
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
