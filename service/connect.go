package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
)

// Options are for Connect. The zero value, or nil, means the defaults.
type Options struct {
	// Name is which server on this host is meant. Default: DefaultName.
	Name string

	// URL is the user's own NATS, whose server is asked for the key. Default: the server of
	// that Name is looked for on this host.
	URL string

	// Credentials is the path of a NATS credentials file for URL.
	Credentials string

	// Attach is how to attach to the memory.
	Attach *framebuffer.ClientOptions

	// Logger gets what is worth knowing. Default: nothing is logged.
	Logger *slog.Logger
}

// Connect finds the server, connects to its NATS and attaches to its memory. It returns
// ErrNoServer when there is none, framebuffer.ErrPermission when it belongs to another user,
// and what framebuffer.Attach returns. The context bounds the connecting only.
func Connect(ctx context.Context, opts *Options) (*Client, error) {
	if opts == nil {
		opts = &Options{}
	}
	c := &Client{options: *opts, log: opts.Logger}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.life, c.end = context.WithCancel(context.Background())
	if err := c.connect(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Client) connect(ctx context.Context) error {
	opts := []nats.Option{
		nats.Name("framebuffer client"),
		nats.MaxReconnects(-1),
		nats.CustomReconnectDelay(func(attempts int) time.Duration {
			return min(20*time.Millisecond<<min(attempts, 10), time.Second)
		}),
		// A server that is just being replaced may refuse what was right a moment ago.
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectHandler(func(*nats.Conn) { c.refreshSoon("NATS connected again") }),
	}
	at := c.options.URL
	if at == "" {
		door := &door{ctx: c.life, name: c.options.Name}
		found, err := door.find(ctx)
		if err != nil {
			return err
		}
		at = found.URL
		if found.Embedded {
			opts = append(opts, nats.SetCustomDialer(door), nats.UserInfoHandler(door.login))
		} else {
			opts = append(opts, found.options()...)
		}
	} else if c.options.Credentials != "" {
		opts = append(opts, nats.UserCredentials(c.options.Credentials))
	}
	if left, ok := ctx.Deadline(); ok {
		opts = append(opts, nats.Timeout(max(time.Until(left), time.Millisecond)))
	}
	var err error
	if c.nats, err = nats.Connect(at, opts...); err != nil {
		return fmt.Errorf("service: connect to NATS at %s: %w", access{URL: at}.withoutSecrets(), err)
	}
	// Before the key is asked for, so that no change of server goes unheard in between.
	if _, err := c.nats.Subscribe(startedSubject, func(*nats.Msg) { c.refreshSoon("a server started") }); err != nil {
		return fmt.Errorf("service: subscribe to %s: %w", startedSubject, err)
	}
	return c.refresh(ctx)
}

// door dials the NATS of whatever server has the name at that moment. A server that was
// restarted has another port and another password; nats.go asks for both at each attempt.
type door struct {
	ctx  context.Context
	name string

	mu   sync.Mutex
	last access
}

func (d *door) find(ctx context.Context) (access, error) {
	a, err := find(ctx, d.name)
	if err != nil {
		return a, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = a
	return a, nil
}

// Dial ignores the address, which may be that of a server long gone.
func (d *door) Dial(network, _ string) (net.Conn, error) {
	a, err := d.find(d.ctx)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(a.URL)
	if err != nil {
		return nil, fmt.Errorf("service: the server's NATS URL %q: %w", a.URL, err)
	}
	return (&net.Dialer{Timeout: talkLimit}).DialContext(d.ctx, network, u.Host)
}

func (d *door) login() (user, password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last.User, d.last.Password
}
