package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// maxServers bounds the answers to a question that any number of servers may answer.
const maxServers = 1000

// ErrTooMany says that a list of servers is not complete: more answered than are listened to.
var ErrTooMany = errors.New("framebuffer: too many servers answer")

// rollQuiet is how long after one answer another is waited for, where distances are not known.
const rollQuiet = 300 * time.Millisecond

// rollEnd is how long it goes on at most: somebody may answer again and again.
const rollEnd = 2 * rpcLimit

// Hosts asks all servers on a NATS who they are, or those with one of these names, of hosts or
// servers, and returns them in the order of their hosts and names. Those that say that they are there
// and then do not say more have an Err. It returns ErrNoServer when nobody is there; 1000 servers
// and ErrTooMany when there are more; and the context's error.
func Hosts(ctx context.Context, nc *nats.Conn, names ...string) ([]Host, error) {
	var all []Host
	var cut error
	if len(names) == 0 {
		pings, err := roll(ctx, nc)
		if cut = err; err != nil && !errors.Is(err, ErrTooMany) {
			return nil, err
		}
		if len(pings) == 0 {
			return nil, fmt.Errorf("%w on the NATS at %s: start one there with `framebuffer serve --nats URL` or `--nats-config FILE`", ErrNoServer, shown(nc.ConnectedUrl()))
		}
		all = introductions(ctx, nc, pings)
	}
	for _, name := range names {
		those, err := named(ctx, nc, name, "", nil)
		if err != nil && !errors.Is(err, ErrTooMany) {
			return nil, err
		}
		all, cut = append(all, those...), cmp.Or(cut, err)
	}
	slices.SortFunc(all, byHost)
	all = slices.CompactFunc(all, func(a, b Host) bool { return a.ID == b.ID }) // of two names
	return all, cmp.Or(ctx.Err(), cut)
}

func byHost(a, b Host) int {
	return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// roll returns who is there: 1000 of them and ErrTooMany if there are more.
func roll(ctx context.Context, nc *nats.Conn) (all []micro.Ping, err error) {
	subject, err := micro.ControlSubject(micro.PingVerb, serviceName, "")
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	err = gather(ctx, nc, subject, nil, rpcLimit, rollQuiet, func(m *nats.Msg, _ time.Duration) bool {
		var p micro.Ping
		if json.Unmarshal(m.Data, &p) == nil && idForm.MatchString(p.ID) {
			all = append(all, p)
		}
		return true
	})
	return all, err
}

// gather asks a question that any number may answer, and hands on the answers for as long as take wants
// more. The first may take as long as first says, and others come that long after one as quiet says, or three times
// as long as the first took; nobody at all is no error.
func gather(outer context.Context, nc *nats.Conn, subject string, data []byte, first, quiet time.Duration, take func(m *nats.Msg, after time.Duration) bool) error {
	return gatherTo(outer, nc, &nats.Msg{Subject: subject, Data: data}, first, quiet, take)
}

// gatherTo is gather of a question with headers.
func gatherTo(outer context.Context, nc *nats.Conn, question *nats.Msg, first, quiet time.Duration, take func(m *nats.Msg, after time.Duration) bool) error {
	// An inbox of nats.go alone can be guessed from others: a stranger could have a server answer
	// there what this did not ask it.
	subject, inbox := question.Subject, nc.NewInbox()+"."+newSecret()[:32]
	question.Reply = inbox
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("service: request %s: %w", subject, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is closed
	if err := nc.PublishMsg(question); err != nil {
		return fmt.Errorf("service: request %s: %w", subject, err)
	}
	ctx, cancel := context.WithTimeout(outer, rollEnd)
	defer cancel()
	begun, limit := time.Now(), first
	for n := range maxServers + 1 { // whatever they say
		m, err := nextWithin(ctx, sub, limit)
		if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) && outer.Err() == nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("service: request %s: %w", subject, err)
		}
		after := time.Since(begun)
		if n == 0 {
			limit = max(quiet, 3*after)
		}
		if n < maxServers && !take(m, after) {
			return nil
		}
	}
	return fmt.Errorf("%w %s on the NATS at %s: these are %d of them; ask for hosts by their names, or part them by accounts", ErrTooMany, subject, shown(nc.ConnectedUrl()), maxServers)
}

func nextWithin(ctx context.Context, sub *nats.Subscription, d time.Duration) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return sub.NextMsgWithContext(ctx)
}

// introductions asks all of these about themselves.
func introductions(ctx context.Context, nc *nats.Conn, pings []micro.Ping) []Host {
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
	return all
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
