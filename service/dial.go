package service

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/nats-io/nats.go"
)

// Dial connects to the NATS of a server on this host, or to that of a URL, and attaches to
// nothing: requests to other hosts need no server on this one. It does not use Options.Attach. The
// caller closes the connection. It reconnects automatically, but unlike a [Client]'s it does not follow
// an embedded NATS to the port that it has after a restart.
func Dial(ctx context.Context, opts *Options) (*nats.Conn, error) {
	if opts == nil {
		opts = &Options{}
	}
	if err := natsconn.CheckInboxPrefix(opts.InboxPrefix); err != nil {
		return nil, err
	}
	at := natsconn.Access{URL: opts.URL, Credentials: opts.Credentials, TLS: opts.TLS}
	if at.URL == "" {
		var err error
		if at, err = natsconn.Find(ctx, opts.Name); err != nil {
			return nil, err
		}
	}
	if err := natsconn.CheckURLs(at.URL); err != nil {
		return nil, err
	}
	at.Inbox = cmp.Or(opts.InboxPrefix, at.Inbox)
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return at.Dial(ctx, "framebuffer client", natsconn.LogErrors(log))
}
