package service

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/nats-io/nats.go"
)

// Dial connects to the NATS of a server on this host, or to that of a URL, and attaches to
// nothing: for those who ask things of other hosts, from where no server needs to be. Of the
// options Attach is not used. The connection is the caller's to close; it reconnects by
// itself, but does not follow a server that was restarted with an embedded NATS elsewhere,
// as a Client's does.
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
