package remote

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

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// Hosts returns the servers on a NATS, sorted by host and name: all of them, or those of which the host,
// the name or the ID is one of names. A server that answers, but then does not describe itself, has an
// Err. Hosts returns [ErrNoServer] if none answers, the first 1000 servers and [ErrTooMany] if there are
// more, and the context's error.
func Hosts(ctx context.Context, nc *nats.Conn, names ...string) ([]Host, error) {
	var all []Host
	var incomplete error
	if len(names) == 0 {
		identities, err := pingAll(ctx, nc)
		if incomplete = err; err != nil && !errors.Is(err, ErrTooMany) {
			return nil, err
		}
		if len(identities) == 0 {
			return nil, fmt.Errorf("%w on the NATS at %s: start one there with `framebuffer serve --nats URL` or `--nats-config FILE`", ErrNoServer, natsconn.RedactURL(nc.ConnectedUrl()))
		}
		all = describeAll(ctx, nc, identities)
	}
	for _, name := range names {
		found, err := findNamed(ctx, nc, name, "", nil)
		if err != nil && !errors.Is(err, ErrTooMany) {
			return nil, err
		}
		all, incomplete = append(all, found...), cmp.Or(incomplete, err)
	}
	slices.SortFunc(all, byHost)
	all = slices.CompactFunc(all, func(a, b Host) bool { return a.ID == b.ID }) // found by two names
	return all, cmp.Or(ctx.Err(), incomplete)
}

func byHost(a, b Host) int {
	return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// pingAll returns the identities of all servers, of 1000 with [ErrTooMany] if there are more.
func pingAll(ctx context.Context, nc *nats.Conn) (all []Host, err error) {
	subject, err := micro.ControlSubject(micro.PingVerb, wire.Service, "")
	if err != nil {
		return nil, fmt.Errorf("remote: %w", err)
	}
	request := natsconn.ManyRequest{Subject: subject, MaxAnswer: natsconn.MaxIdentity, First: natsconn.RequestTimeout, Next: natsconn.NextAnswer}
	err = natsconn.RequestMany(ctx, nc, request, func(m *nats.Msg, _ time.Duration) bool {
		var p micro.Ping
		if json.Unmarshal(m.Data, &p) == nil && wire.ValidID(p.ID) {
			all = append(all, Host{
				Host: wire.Clip(p.Metadata[wire.MetaHost]), Name: wire.Clip(p.Metadata[wire.MetaName]), ID: p.ID, Version: wire.Clip(p.Version),
			})
		}
		return true
	})
	return all, err
}
