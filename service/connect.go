package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/remote"
)

// Options are for Connect. The zero value, or nil, means the defaults.
type Options struct {
	// Name is which server on this host is meant. Default: DefaultName. With a URL, servers
	// of other names are passed over; there the default means any that this process can
	// attach to, so give names where several run on one host.
	Name string

	// URL is the user's own NATS, whose servers are asked for the key. Default: the server of
	// that Name is looked for on this host, and tells where its NATS is.
	URL string

	// Credentials is the path of a NATS credentials file for URL.
	Credentials string

	// TLS names the files of certificates for URL.
	TLS TLS

	// InboxPrefix is below which answers come, as nats.CustomInboxPrefix has it: for a NATS user
	// that may subscribe to no other inbox. Servers answer below _INBOX, so _INBOX.NAME needs
	// nothing of them; other prefixes are for their [ServeOptions.AskerInboxes]. Default: what the server
	// on this host says, or _INBOX.
	InboxPrefix string

	// Attach is how to attach to the memory.
	Attach *framebuffer.ClientOptions

	// Trust are the public keys of servers whose signature a frame of another host must have: see
	// ReaderOptions.Trust. Default, nil: none is asked for.
	Trust []string

	// Stay has the client not follow a restarted server. When the server has ended, calls,
	// publishers and subscriptions return [framebuffer.ErrClosed].
	Stay bool

	// Logger receives the client's log. Default: nothing is logged.
	Logger *slog.Logger
}

// Connect finds the server, connects to its NATS and attaches to its memory. It returns
// ErrNoServer when there is none, framebuffer.ErrPermission when it belongs to another user,
// what framebuffer.Attach returns, and the context's error. The context bounds the connecting
// only.
//
// A NATS that several hosts share may have servers on all of them. Those whose memory is out
// of reach are passed over; if there are only such, the error is framebuffer.ErrStaleKey. The
// account needs to be allowed the subjects framebuffer.> and $SRV.>.
func Connect(ctx context.Context, opts *Options) (*Client, error) {
	if opts == nil {
		opts = &Options{}
	}
	if opts.Credentials != "" && opts.URL == "" {
		return nil, errors.New("service: Options.Credentials without Options.URL: credentials are for your own NATS")
	}
	if err := opts.TLS.Check(); err != nil {
		return nil, err
	}
	if err := natsconn.CheckInboxPrefix(opts.InboxPrefix); err != nil {
		return nil, err
	}
	if _, err := sign.NewTrust(opts.Trust); err != nil {
		return nil, fmt.Errorf("service: Options.Trust: %w", err)
	}
	c := &Client{
		options: *opts,
		log:     opts.Logger,
		wake:    make(chan string, 1),
		turn:    make(chan struct{}, 1),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.life, c.end = context.WithCancel(context.Background())
	if err := c.connect(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Client) connect(ctx context.Context) (err error) {
	if _, err := natsconn.RendezvousName(c.options.Name); err != nil { // a bad name is one with a URL too
		return err
	}
	at := natsconn.Access{URL: c.options.URL, Credentials: c.options.Credentials, TLS: c.options.TLS}
	if at.URL == "" {
		if at, err = natsconn.Find(ctx, c.options.Name); err != nil {
			return err
		}
	}
	if err := natsconn.CheckURLs(at.URL); err != nil {
		return err
	}
	at.Inbox = cmp.Or(c.options.InboxPrefix, at.Inbox)
	if err := c.dial(ctx, at); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return fmt.Errorf("service: connect to NATS at %s: %w", natsconn.RedactURL(at.URL), at.ExplainEntry(err))
	}
	attach := framebuffer.ClientOptions{}
	if c.options.Attach != nil {
		attach = *c.options.Attach
	}
	if attach.Logger == nil {
		attach.Logger = c.log
	}
	writing := attach
	c.options.Attach = &writing
	attach.ReadOnly = true
	c.reader = remote.NewReader(c.nats, &remote.ReaderOptions{
		Attach: &attach, Trust: c.options.Trust, Logger: c.log, Attached: c.ringOf,
		CountOn: func() *framebuffer.Client { return c.attached.Load().ring },
	})
	// Before the request for the key, so that no new server is missed in between.
	sub, err := c.nats.Subscribe(wire.StartedSubject, func(*nats.Msg) { c.refreshSoon("a server started") })
	if err = natsconn.LimitRequests(sub, err); err != nil {
		return fmt.Errorf("service: subscribe to %s: %w", wire.StartedSubject, err)
	}
	flushing, cancel := context.WithTimeout(ctx, natsconn.DialTimeout)
	defer cancel()
	if err := c.nats.FlushWithContext(flushing); err != nil {
		return fmt.Errorf("service: subscribe to %s: %w", wire.StartedSubject, err)
	}
	if err := c.refresh(ctx, nil); err != nil {
		return err
	}
	c.pending.Go(c.follow)
	return nil
}

// dial connects to NATS, for good: nats.go reconnects until Close.
func (c *Client) dial(ctx context.Context, at natsconn.Access) (err error) {
	d := natsconn.NewDialer(ctx, c.options.Name, at.Embedded, func() { c.refreshSoon("a server was found while NATS was away") })
	defer d.Settle(c.life)
	opts := []nats.Option{
		nats.Name("framebuffer client"),
		nats.Timeout(natsconn.DialTimeout),
		nats.MaxReconnects(-1),
		nats.CustomReconnectDelay(func(attempts int) time.Duration {
			return min(20*time.Millisecond<<min(attempts, 10), time.Second)
		}),
		// A server that is just being replaced may refuse credentials that were valid.
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectHandler(func(*nats.Conn) { c.refreshSoon("NATS connected again") }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { c.log.Debug("NATS is still away", "error.message", err) }),
		natsconn.LogErrors(c.log),
	}
	c.nats, err = at.Connect(ctx, append(opts, d.Options(at)...)...)
	return err
}
