package remote

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// describeAll replaces the identities by what the servers say of themselves. The answers share
// natsconn.MaxAnswerBytes: a few servers list all of their topics, a thousand some of them. A server
// that has not answered, or not with a description, has an Err.
func describeAll(ctx context.Context, nc *nats.Conn, all []Host) {
	ids := make([]string, len(all))
	for i, h := range all {
		ids[i] = h.ID
	}
	err := natsconn.RequestEach(ctx, nc, ids, wire.EndpointAbout, func(a natsconn.Answer) {
		h, err := Host{}, a.Err
		if err == nil {
			h, err = ParseHost(a.Data, natsconn.MaxAnswer) // RequestEach has bounded it further
		}
		if err != nil {
			all[a.Server].setErr(err)
			return
		}
		h.ID = ids[a.Server]
		h.setRTT(a.After)
		all[a.Server] = h
	})
	if err == nil {
		return
	}
	for i := range all {
		if h := &all[i]; h.Capacity == 0 && h.Err == "" {
			h.setErr(err)
		}
	}
}

func (h *Host) setErr(err error) {
	h.Err = wire.Clip(fmt.Sprintf("remote: request %s: %v", wire.OwnSubject(h.ID, wire.EndpointAbout), err))
}
