package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Host is a server as others see it over NATS.
type Host struct {
	Host     string        `json:"host"` // Config.Host
	Name     string        `json:"name"` // Config.Name
	ID       string        `json:"id"`   // of the micro service's instance; a new one at each start
	Version  string        `json:"version"`
	RTT      time.Duration `json:"rtt_ns,omitempty"` // of the question for what follows
	Capacity uint64        `json:"capacity"`         // bytes in the ring
	Written  uint64        `json:"written_bytes"`    // into it
	Topics   []HostTopic   `json:"topics"`
	More     int           `json:"more_topics,omitempty"` // for which the answer had no room
	Mirrors  []MirrorStats `json:"mirrors,omitempty"`     // of Config.Mirrors
	Err      string        `json:"error,omitempty"`       // why what it says of itself is not known
}

// HostTopic is a topic of a host's ring.
type HostTopic struct {
	Name      string `json:"name"`
	Published uint64 `json:"published"` // the number that the next frame gets
	Ended     bool   `json:"ended,omitempty"`
	Copy      bool   `json:"copy,omitempty"` // a mirror publishes to it
}

// about takes nothing and answers a Host as JSON.
func (s *Service) about([]byte) ([]byte, error) {
	st, err := s.figures()
	if err != nil {
		return nil, err
	}
	h := Host{
		Host: s.config.host(), Name: orDefault(s.config.Name), ID: s.micro.Info().ID, Version: Version,
		Capacity: st.Capacity, Written: st.Total.WrittenBytes, Topics: []HostTopic{},
	}
	ring, err := s.ring(false)
	if err != nil {
		return nil, err
	}
	all, err := topic.List(ring)
	if err != nil {
		return nil, err
	}
	copies, own := map[string]bool{}, map[string]bool{} // by what clients' names have room for; and by name
	for _, c := range st.Clients {
		if name, ok := strings.CutPrefix(c.Name, MirrorClient); ok {
			copies[shortened(name)] = true
		}
	}
	for _, m := range s.copying() {
		h.Mirrors = append(h.Mirrors, m.Stats())
		own[m.options.Topic] = true
	}
	for _, t := range all {
		h.Topics = append(h.Topics, HostTopic{t.Name, t.Published, t.Ended, own[t.Name] || copies[shortened(t.Name)]})
	}
	return h.text(int(s.nats.MaxPayload()) - aboutHeaders)
}

const (
	// MirrorClient begins the name of a client that publishes a topic's copy, whose name is the
	// rest.
	MirrorClient = "framebuffer mirror "

	// aboutHeaders is room for an answer's headers.
	aboutHeaders = 1 << 10
)

// shortened is as much of a topic's name as stands in a client's.
func shortened(topic string) string { return topic[:min(len(topic), 64-len(MirrorClient))] }

// text is the host as JSON, with as many topics as there is room for.
func (h Host) text(room int) ([]byte, error) {
	for {
		text, err := json.Marshal(h)
		if err != nil {
			return nil, fmt.Errorf("about: %w", err)
		}
		if len(text) <= room || len(h.Topics) == 0 {
			return text, nil
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

// rollQuiet is how long after one answer another is waited for, where distances are not
// known; it is three times as long as the first took if that is more.
const rollQuiet = 300 * time.Millisecond

// rollEnd is how long it goes on at most: somebody may answer again and again.
const rollEnd = 2 * rpcLimit

// Hosts asks all servers on a NATS who they are, and returns them in the order of their
// hosts and names. Those that say that they are there and then do not say more have an Err.
// It returns ErrNoServer when nobody is there, and the context's error.
func Hosts(ctx context.Context, nc *nats.Conn) ([]Host, error) {
	pings, err := roll(ctx, nc, func(micro.Ping) bool { return true })
	if err != nil {
		return nil, err
	}
	if len(pings) == 0 {
		return nil, fmt.Errorf("%w on the NATS at %s: start one there with `framebuffer serve --nats URL` or `--nats-config FILE`", ErrNoServer, shown(nc.ConnectedUrl()))
	}
	all := make([]Host, len(pings))
	done := make(chan struct{})
	for i, p := range pings {
		go func() {
			defer func() { done <- struct{}{} }()
			all[i] = introduce(ctx, nc, p)
		}()
	}
	for range pings {
		<-done
	}
	slices.SortFunc(all, func(a, b Host) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all, ctx.Err()
}

// roll returns who answers on $SRV.PING, for as long as more wants to hear of others.
func roll(outer context.Context, nc *nats.Conn, more func(micro.Ping) bool) (all []micro.Ping, err error) {
	subject, err := micro.ControlSubject(micro.PingVerb, serviceName, "")
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("service: request %s: %w", subject, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is closed
	if err := nc.PublishRequest(subject, inbox, nil); err != nil {
		return nil, fmt.Errorf("service: request %s: %w", subject, err)
	}
	ctx, cancel := context.WithTimeout(outer, rollEnd)
	defer cancel()
	begun, quiet := time.Now(), rpcLimit
	for range maxServers { // whatever they say
		m, err := nextWithin(ctx, sub, quiet)
		if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) && outer.Err() == nil {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("service: request %s: %w", subject, err)
		}
		if quiet == rpcLimit {
			quiet = max(rollQuiet, 3*time.Since(begun))
		}
		var p micro.Ping
		if json.Unmarshal(m.Data, &p) == nil && idForm.MatchString(p.ID) {
			if all = append(all, p); !more(p) {
				return all, nil
			}
		}
	}
	return all, nil
}

func nextWithin(ctx context.Context, sub *nats.Subscription, d time.Duration) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return sub.NextMsgWithContext(ctx)
}

// introduce asks one server about itself.
func introduce(ctx context.Context, nc *nats.Conn, p micro.Ping) (h Host) {
	ctx, cancel := context.WithTimeout(ctx, rpcLimit)
	defer cancel()
	begun := time.Now()
	text, err := request(ctx, nc, p.ID, epAbout, nil)
	rtt := time.Since(begun)
	if err == nil {
		err = json.Unmarshal([]byte(text), &h)
	}
	if err != nil {
		return Host{Host: p.Metadata[metaHost], Name: p.Metadata[metaName], ID: p.ID, Version: p.Version, Err: err.Error()}
	}
	h.ID, h.RTT = p.ID, rtt
	return h
}

// About asks the server that is attached about itself.
func (c *Client) About(ctx context.Context) (h Host, err error) {
	text, err := c.attachedCall(ctx, epAbout, nil)
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return h, fmt.Errorf("service: about answered %.100q: %w", text, err)
	}
	return h, nil
}
