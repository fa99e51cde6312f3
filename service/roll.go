package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// ErrTooMany says that a list of servers is not complete: more servers answered than a client
// listens to, or they answered more bytes than it takes.
var ErrTooMany = wire.ErrTooMany

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
			return nil, fmt.Errorf("%w on the NATS at %s: start one there with `framebuffer serve --nats URL` or `--nats-config FILE`", ErrNoServer, natsconn.RedactURL(nc.ConnectedUrl()))
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
	subject, err := micro.ControlSubject(micro.PingVerb, wire.Service, "")
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	ask := natsconn.ManyRequest{Subject: subject, MaxAnswer: natsconn.MaxIdentity, First: natsconn.RequestTimeout, Next: natsconn.NextAnswer}
	err = natsconn.RequestMany(ctx, nc, ask, func(m *nats.Msg, _ time.Duration) bool {
		var p micro.Ping
		if json.Unmarshal(m.Data, &p) == nil && wire.ValidID(p.ID) {
			said := map[string]string{wire.MetaHost: wire.Clip(p.Metadata[wire.MetaHost]), wire.MetaName: wire.Clip(p.Metadata[wire.MetaName])}
			all = append(all, micro.Ping{ServiceIdentity: micro.ServiceIdentity{ID: p.ID, Version: wire.Clip(p.Version), Metadata: said}})
		}
		return true
	})
	return all, err
}
