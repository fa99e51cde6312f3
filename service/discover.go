package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// nextServer is how long after one server's answer to wait for another.
const nextServer = time.Second

// discover finds a server on the user's own NATS: the attached one if it still answers, or else any of
// the right name whose memory this process can attach to.
//
// A request to framebuffer.get_key would not do: any server of any host answers it, so that a later
// offset could be another server's, and mean another frame here.
func (c *Client) discover(ctx context.Context, old *attachment) (*attachment, error) {
	if old != nil {
		brief, cancel := context.WithTimeout(ctx, nextServer) // it may die while being asked
		key, err := c.call(brief, old.id, wire.EndpointKey, nil)
		cancel()
		if err == nil && key == old.ring.Key() {
			if err := old.ring.Err(); err != nil {
				return nil, fmt.Errorf("the server is ending: %w", err)
			}
			return old, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
	// Without a name it is most likely a server of this host: all servers are asked only if that
	// fails.
	names := []string{c.options.Name}
	if natsconn.NameOrDefault(c.options.Name) == DefaultName {
		names = []string{(&ServeOptions{}).host(), DefaultName}
	}
	found := search{client: c, tried: map[string]bool{}}
	for _, name := range names {
		if err := found.among(ctx, name); found.now != nil || err != nil {
			return found.now, err
		}
	}
	if len(found.failures) == 0 {
		return nil, fmt.Errorf("%w named %q on the NATS at %s: start one there with `framebuffer serve --nats URL`",
			ErrNoServer, natsconn.NameOrDefault(c.options.Name), c.where())
	}
	return nil, fmt.Errorf("service: no server on the NATS at %s can be attached to from here: %w", c.where(), errors.Join(found.failures...))
}

// search is a search for a server that this process can attach to.
type search struct {
	client   *Client
	now      *attachment // what was found
	tried    map[string]bool
	failures []error
}

// among tries the servers of that name, or on a host of that name, or all if it is the default name.
func (s *search) among(ctx context.Context, name string) error {
	subject, err := micro.ControlSubject(micro.PingVerb, wire.Service, "")
	if err != nil {
		return fmt.Errorf("service: %w", err)
	}
	if natsconn.NameOrDefault(name) != DefaultName {
		subject = wire.AtSubject(name)
	}
	ask := natsconn.ManyRequest{Subject: subject, MaxAnswer: natsconn.MaxIdentity, First: natsconn.ManyTimeout, Next: nextServer}
	err = natsconn.RequestMany(ctx, s.client.nats, ask, func(m *nats.Msg, _ time.Duration) bool {
		var h identity
		if json.Unmarshal(m.Data, &h) == nil && wire.ValidID(h.ID) {
			s.try(ctx, h)
		}
		return s.now == nil
	})
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, wire.ErrTooMany) {
		return nil // those that could be tried in the time were
	}
	return err
}

// identity is what a Host and a micro.Ping have in common.
type identity struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// try attaches to a server if it has the wanted name.
func (s *search) try(ctx context.Context, h identity) {
	want := natsconn.NameOrDefault(s.client.options.Name)
	if s.tried[h.ID] || want != DefaultName && h.Name != want { // or it is a host of that name
		return
	}
	s.tried[h.ID] = true
	now, err := s.client.tryServer(ctx, h.ID)
	if err == nil {
		s.now = now
	} else if len(s.failures) < 3 { // enough to show what is wrong
		s.failures = append(s.failures, fmt.Errorf("server %s: %w", h.ID, err))
	}
}

// tryServer asks one server for its key and attaches.
func (c *Client) tryServer(ctx context.Context, id string) (*attachment, error) {
	ctx, cancel := context.WithTimeout(ctx, nextServer)
	defer cancel()
	key, err := c.call(ctx, id, wire.EndpointKey, nil)
	if err != nil {
		return nil, err
	}
	return c.attach(key, id)
}

// where returns the NATS's URL, for messages.
func (c *Client) where() string {
	if url := c.nats.ConnectedUrl(); url != "" {
		return natsconn.RedactURL(url)
	}
	return natsconn.RedactURL(c.options.URL)
}
