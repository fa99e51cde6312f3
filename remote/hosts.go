package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"

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
		describeAll(ctx, nc, identities)
		all = identities
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
func pingAll(ctx context.Context, nc *nats.Conn) ([]Host, error) {
	pings, err := natsconn.PingAll(ctx, nc)
	all := make([]Host, 0, len(pings))
	for _, p := range pings {
		all = append(all, Host{Host: p.Metadata[wire.MetaHost], Name: p.Metadata[wire.MetaName], ID: p.ID, Version: p.Version})
	}
	return all, err
}
