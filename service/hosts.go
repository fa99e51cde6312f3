package service

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// Host is a server as others see it over NATS.
type Host struct {
	Host     string          `json:"host"` // Config.Host
	Name     string          `json:"name"` // Config.Name
	ID       string          `json:"id"`   // of the micro service's instance; a new one at each start
	Version  string          `json:"version"`
	RTT      time.Duration   `json:"rtt_ns,omitempty"`   // of the question for what follows
	Capacity uint64          `json:"capacity"`           // bytes in the ring
	Written  uint64          `json:"written_bytes"`      // into it
	SignsAs  string          `json:"signs_as,omitempty"` // public key of Config.SigningKey, as it says itself
	Topics   []HostTopic     `json:"topics"`
	More     int             `json:"more_topics,omitempty"` // for which the answer had no room
	Mirrors  []MirrorStats   `json:"mirrors,omitempty"`     // of Config.Mirrors
	Store    *natsconn.Store `json:"jetstream,omitempty"`   // of its embedded NATS, where that has one
	Err      string          `json:"error,omitempty"`       // why what it says of itself is not known
}

// HostTopic is a topic of a host's ring.
type HostTopic struct {
	Name      string `json:"name"`
	Published uint64 `json:"published"` // frames, since its first
	Ended     bool   `json:"ended,omitempty"`
	Copy      bool   `json:"copy,omitempty"`   // a mirror publishes to it
	Newest    int64  `json:"newest,omitempty"` // when the last frame that is still there was published, ns since 1970; only of a topic that was asked for
}

// about takes nothing and answers a Host as JSON.
func (s *Service) about(r *nats.Msg) ([]byte, error) {
	h, err := s.itself()
	if err != nil {
		return nil, err
	}
	return h.text(s.answerRoom(r))
}

// answerRoom is how long an answer may be: what NATS lets through, or less if the asker wants less.
func (s *Service) answerRoom(r *nats.Msg) int {
	most := int(s.nats.MaxPayload()) - aboutHeaders
	if n, err := strconv.Atoi(r.Header.Get(wire.HeaderRoom)); err == nil {
		most = min(most, max(n, 0))
	}
	return most
}

// itself is what this server says of itself, with all topics.
func (s *Service) itself() (h Host, err error) {
	st, err := s.figures()
	if err != nil {
		return h, err
	}
	h = Host{
		Host: s.config.host(), Name: natsconn.NameOrDefault(s.config.Name), ID: s.micro.Info().ID, Version: Version,
		Capacity: st.Capacity, Written: st.Total.WrittenBytes, SignsAs: s.SignsAs(), Topics: []HostTopic{}, Store: s.embedded.JetStreamState(),
	}
	ring, err := s.ring(false)
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
	copies, own := map[string]bool{}, map[string]bool{} // by what clients' names have room for; and by name
	for _, c := range seen.Clients {
		if name, ok := strings.CutPrefix(c.Name, MirrorClient); ok {
			copies[shortened(name)] = true
		}
	}
	for _, m := range s.copying() {
		stats := m.Stats()
		stats.Why = wire.Clip(stats.Why)
		h.Mirrors = append(h.Mirrors, stats)
		own[m.options.Topic] = true
	}
	for _, t := range all {
		h.Topics = append(h.Topics, HostTopic{Name: t.Name, Published: t.Published, Ended: t.Ended, Copy: own[t.Name] || copies[shortened(t.Name)]})
	}
	return h, nil
}

const (
	// MirrorClient begins the name of a client that publishes a topic's copy, whose name is the
	// rest.
	MirrorClient = "framebuffer mirror "

	// aboutHeaders is room for an answer's headers.
	aboutHeaders = 1 << 10

	// leastTopic is how many bytes a topic takes in an answer at least.
	leastTopic = len(`{"name":"t","published":0}`)
)

// shortened is as much of a topic's name as stands in a client's.
func shortened(topic string) string { return topic[:min(len(topic), 64-len(MirrorClient))] }

// text is the host as JSON, with as many topics and mirrors as there is room for.
func (h Host) text(room int) ([]byte, error) {
	if n := max(room, 0) / leastTopic; n < len(h.Topics) { // the rest need not be made text of
		h.More += len(h.Topics) - n
		h.Topics = h.Topics[:n]
	}
	for {
		text, err := json.Marshal(h)
		if err != nil {
			return nil, fmt.Errorf("about: %w", err)
		}
		if len(text) <= room || len(h.Topics)+len(h.Mirrors) == 0 {
			return text, nil
		}
		if len(h.Topics) == 0 {
			h.Mirrors = h.Mirrors[:len(h.Mirrors)/2]
			continue
		}
		n := min(len(h.Topics)-1, len(h.Topics)*room/len(text))
		h.More += len(h.Topics) - max(n, 0)
		h.Topics = h.Topics[:max(n, 0)]
	}
}

// ring attaches to the server's own ring when that is first needed: seen by people who watch
// for what other hosts read, unseen for a look.
func (s *Service) ring(seen bool) (*framebuffer.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, fmt.Errorf("%w: the service is ending", framebuffer.ErrClosed)
	}
	at := &s.unseen
	if seen {
		at = &s.seen
	}
	if *at != nil {
		return *at, nil
	}
	c, err := framebuffer.Attach(s.config.Server.Key(), &framebuffer.ClientOptions{Name: "framebuffer hosts", Unverified: true, Unlisted: !seen})
	if err != nil {
		return nil, err
	}
	*at = c
	return c, nil
}

// About asks the server that is attached about itself.
func (c *Client) About(ctx context.Context) (h Host, err error) {
	text, err := c.attachedCall(ctx, wire.EndpointAbout, nil)
	if err != nil {
		return h, err
	}
	return readHost([]byte(text), len(text))
}
