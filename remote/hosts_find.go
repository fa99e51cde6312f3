package remote

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

// originTimeout is how long to wait for the first server that has a topic: the others do not answer.
const originTimeout = 2 * time.Second

// checkHost returns an error for a text that cannot be the name of a host or a server, or an ID.
func checkHost(name string) error {
	if !wire.ValidName(name) && !wire.ValidID(name) {
		return fmt.Errorf("%w: %.80q is not a valid name of a host: use 1 to 64 letters, digits, dots and hyphens", topic.ErrBadName, name)
	}
	return nil
}

// findNamed returns the servers of which the host, the name or the ID is name. With a topic, they
// describe only that. It returns [ErrNoServer] if there is none.
func findNamed(ctx context.Context, nc *nats.Conn, name, topicName string, trust *sign.Trust) ([]Host, error) {
	if err := checkHost(name); err != nil {
		return nil, err
	}
	all, err := findAll(ctx, nc, wire.AtSubject(name), topicName, natsconn.RequestTimeout, trust)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%w: no host or server named %q on the NATS at %s: framebuffer hosts lists them", ErrNoServer, name, natsconn.RedactURL(nc.ConnectedUrl()))
	}
	return all, err
}

// findOrigins returns the servers that have a topic which is not a mirror.
func findOrigins(ctx context.Context, nc *nats.Conn, topicName string, trust *sign.Trust) ([]Host, error) {
	return findAll(ctx, nc, wire.SharedSubject(wire.EndpointOrigin), topicName, originTimeout, trust)
}

// findAll returns the servers that answer on a subject. With a topic, it keeps of each answer only that
// topic. With trust, only answers with a valid signature count; if there are answers and none has one,
// the error is [ErrUntrusted].
func findAll(ctx context.Context, nc *nats.Conn, subject, topicName string, first time.Duration, trust *sign.Trust) (all []Host, err error) {
	request := natsconn.ManyRequest{Subject: subject, Data: []byte(topicName), MaxAnswer: natsconn.MaxAnswer, First: first, Next: natsconn.NextAnswer}
	if topicName != "" {
		request.MaxAnswer = natsconn.MaxTopicAnswer
	}
	if trust != nil {
		request.Nonce = sign.Nonce()
	}
	var untrusted error
	err = natsconn.RequestMany(ctx, nc, request, func(m *nats.Msg, after time.Duration) bool {
		if m.Header.Get(micro.ErrorCodeHeader) != "" {
			return true
		}
		h, err := ParseHost(m.Data, request.MaxAnswer)
		if err != nil || h.ID == "" {
			return true // the answer is not a server's
		}
		if trust != nil {
			if err := trust.Verify(m.Header.Get(wire.HeaderSignature), sign.AnswerStatement(request.Nonce, request.Data, m.Data)); err != nil {
				untrusted = fmt.Errorf("%w: the server %.64q of host %.64q: %w", ErrUntrusted, h.Name, h.Host, err)
				return true
			}
		}
		if topicName != "" {
			h = h.onlyTopic(topicName)
		}
		h.setRTT(after)
		all = append(all, h)
		return true
	})
	if err == nil && len(all) == 0 {
		err = untrusted
	}
	return all, err
}

// onlyTopic returns the identity of a host and what it says of one topic.
func (h *Host) onlyTopic(name string) Host {
	topics := slices.DeleteFunc(h.Topics, func(t HostTopic) bool { return t.Name != name })
	return Host{Host: h.Host, Name: h.Name, ID: h.ID, Topics: slices.Clone(topics[:min(len(topics), 1)])}
}
