package service

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/remote"
)

// about answers a request without data with this server's description, a [remote.Host] as JSON.
func (s *Service) about(r *nats.Msg) ([]byte, error) {
	h, err := s.describe()
	if err != nil {
		return nil, err
	}
	return h.Encode(s.answerLimit(r))
}

// answerHeaders is how many bytes the headers of an answer take at most.
const answerHeaders = 1 << 10

// answerLimit returns how many bytes an answer may have: as many as NATS accepts, or fewer if the
// requester says so.
func (s *Service) answerLimit(r *nats.Msg) int {
	limit := int(s.nats.MaxPayload()) - answerHeaders
	if n, err := strconv.Atoi(r.Header.Get(wire.HeaderRoom)); err == nil {
		limit = min(limit, max(n, 0))
	}
	return limit
}

// describe returns what this server says of itself, with all topics.
func (s *Service) describe() (h remote.Host, err error) {
	st, err := s.figures()
	if err != nil {
		return h, err
	}
	h = remote.Host{
		Host: s.config.host(), Name: natsconn.NameOrDefault(s.config.Name), ID: s.micro.Info().ID, Version: Version,
		Capacity: st.Capacity, Written: st.Total.WrittenBytes, SignsAs: s.SignsAs(), Topics: []remote.HostTopic{}, Store: s.embedded.JetStreamState(),
	}
	ring, err := s.ring()
	if err != nil {
		return h, err
	}
	all, err := monitor.Topics(ring)
	if err != nil {
		return h, err
	}
	seen, err := monitor.Look(ring)
	if err != nil {
		return h, err
	}
	mirrored, clients := map[string]bool{}, map[string]bool{}
	for _, c := range seen.Clients {
		clients[c.Name] = true
	}
	for _, m := range s.runningMirrors() {
		stats := m.Stats()
		stats.Why = wire.Clip(stats.Why)
		h.Mirrors = append(h.Mirrors, stats)
		mirrored[stats.Topic] = true
	}
	for _, t := range all {
		mirror := mirrored[t.Name] || clients[wire.MirrorClientName(t.Name)]
		h.Topics = append(h.Topics, remote.HostTopic{Name: t.Name, Published: t.Published, Ended: t.Ended, Mirror: mirror, Copy: mirror})
	}
	return h, nil
}

// ring returns a client that is attached to the server's own ring, for what the server says of itself.
// It attaches at the first call. Monitoring does not show the client.
func (s *Service) ring() (*framebuffer.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, fmt.Errorf("%w: the service is ending", framebuffer.ErrClosed)
	}
	if s.client == nil {
		c, err := framebuffer.Attach(s.server.Key(), &framebuffer.ClientOptions{Name: "framebuffer hosts", Unverified: true, Unlisted: true})
		if err != nil {
			return nil, err
		}
		s.client = c
	}
	return s.client, nil
}

// About asks the server that is attached to describe itself.
func (c *Client) About(ctx context.Context) (h remote.Host, err error) {
	text, err := c.attachedCall(ctx, wire.EndpointAbout, nil)
	if err != nil {
		return h, err
	}
	return remote.ParseHost([]byte(text), len(text))
}
