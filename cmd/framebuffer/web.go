package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

type webCmd struct {
	HTTP  string `name:"http" default:"127.0.0.1:0" help:"Address of the page. Port 0 is any free port. Off loopback everything needs the token (default ${default})." placeholder:"ADDR"`
	Token secret `name:"http-token" env:"FRAMEBUFFER_HTTP_TOKEN" help:"The token, in a file or the environment, because every user of this host sees the flags (default: a new one)." placeholder:"@FILE"`
	sight
}

// Help is shown below the flags.
func (webCmd) Help() string {
	return `A page for browsers, also on phones: the ring, throughput and horizon, clients, topics,
and the latest frame of each topic as a picture. It reads the memory itself: with --key,
web works even while the server hangs. It shows the end of a server, and without --key
continues with the next one of that name or key file.

  framebuffer web --http 127.0.0.1:9464

A server can also serve its own page:

  framebuffer serve --http 127.0.0.1:9464`
}

// shown is what web prints.
type shown struct {
	HTTP      string   `json:"http"`       // an address of the page, with the token where one is needed
	Addresses []string `json:"listens_on"` // all hosts and ports
}

// String formats what web prints without --json.
func (s shown) String() string {
	text := "Showing the ring at\n\n  " + s.HTTP + "\n\n"
	if len(s.Addresses) > 1 {
		text += "It listens on all interfaces: " + strings.Join(s.Addresses, ", ") + ".\n"
	}
	return text + "Ctrl-C ends this, and not the server."
}

// Run shows the page until the context ends.
func (c *webCmd) Run(e *env) error {
	key, err := c.first(e)
	if err != nil {
		return unlessSignalled(err)
	}
	if c.Token == "" {
		c.Token = secret(rand.Text()) // one for all servers that are shown
	}
	page, err := startHTTP(e, key, c.HTTP, string(c.Token))
	if err != nil {
		return err
	}
	s := shown{page.url, page.addresses}
	if err := e.print(s, s.String()); err != nil {
		return errors.Join(err, page.end())
	}
	for {
		next, err := c.successor(e, page, key)
		if err := errors.Join(err, page.end()); err != nil || next.monitor == nil {
			return err
		}
		addr, err := sameAddr(c.HTTP, page.url)
		if err != nil {
			return errors.Join(err, next.monitor.Close())
		}
		if page, err = show(e, next.monitor, addr, string(c.Token)); err != nil {
			return err
		}
		key = next.key
		e.log.Info("showing the next server", "framebuffer.server.name", c.Name)
	}
}

// successor waits until the segment's server has ended and another has started, and returns the
// other one. It returns nothing if the context or the page ends first.
func (c *webCmd) successor(e *env, page *httpServer, key string) (found, error) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return found{}, nil
		case err := <-page.ended:
			page.ended <- nil // for end
			return found{}, err
		case <-tick.C:
		}
		s, err := page.monitor.Snapshot()
		if err != nil {
			return found{}, err
		}
		if err := c.over(s); err != nil {
			return found{}, err
		}
		if c.fixed() || !c.mayBeOver(s) {
			continue
		}
		next := c.another(e.quiet(e.ctx), key)
		if next.monitor != nil {
			return next, nil
		}
		if err := next.final(s); err != nil {
			return found{}, err
		}
		if !errors.Is(next.err, context.Canceled) {
			e.log.Debug("no other server yet", "error.message", next.err)
		}
	}
}

// sameAddr returns the address that was asked for, with the port of the page's URL.
func sameAddr(asked, page string) (string, error) {
	host, _, err := net.SplitHostPort(asked)
	if err != nil {
		return "", fmt.Errorf("%w: address %q: %w", errUsage, asked, err)
	}
	u, err := url.Parse(page)
	if err != nil {
		return "", fmt.Errorf("address %q: %w", page, err)
	}
	return net.JoinHostPort(host, u.Port()), nil
}
