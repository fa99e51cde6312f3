package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/core-framebuffer/framebuffer/monitor"
)

type webCmd struct {
	Key   string `arg:"" optional:"" env:"FRAMEBUFFER_KEY" help:"Show this key's ring instead of looking for a server."`
	HTTP  string `name:"http" default:"127.0.0.1:0" help:"Address to serve at; port 0 is any free one, and off loopback everything needs the token (default ${default})." placeholder:"ADDR"`
	Token string `name:"http-token" env:"FRAMEBUFFER_HTTP_TOKEN" help:"That token (default: a new one)." placeholder:"TOKEN"`
	lookup
}

// Help is shown below the flags.
func (webCmd) Help() string {
	return `A page for a browser, also on a phone: the ring, throughput and horizon, clients,
topics, and the latest frame of each topic as a picture. It reads the memory
itself, so with a KEY it works when the server hangs or is dead. Without one it
goes on with the next server of that name when this one has ended.

A server can also show itself: framebuffer serve --http 127.0.0.1:9464`
}

// shown is what web prints.
type shown struct {
	HTTP string `json:"http"` // with the token, where one is needed
}

// Run shows the page until the context ends.
func (c *webCmd) Run(e *env) error {
	key, err := c.find(e)
	if err != nil {
		return err
	}
	if c.Token == "" {
		c.Token = rand.Text() // one for all servers that are shown
	}
	page, err := startHTTP(e, key, c.HTTP, c.Token)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Showing the ring at\n\n  %s\n\nCtrl-C ends this, and not the server.", page.url)
	if err := e.print(shown{page.url}, text); err != nil {
		return errors.Join(err, page.end())
	}
	for {
		next, err := c.successor(e, page, key)
		if err := errors.Join(err, page.end()); err != nil || next == "" {
			return err
		}
		addr, err := sameAddr(c.HTTP, page.url)
		if err != nil {
			return err
		}
		if page, err = startHTTP(e, next, addr, c.Token); err != nil {
			return err
		}
		key = next
		e.log.Info("showing the next server", "framebuffer.server.name", c.Name)
	}
}

// find is the key that was given, or that of the server that is found.
func (c *webCmd) find(e *env) (string, error) {
	if c.Key != "" {
		return c.Key, nil
	}
	return c.key(e)
}

// successor waits until the segment has no server any more and there is another of the same
// name, and returns its key; or until the context or the page has ended, and returns nothing.
func (c *webCmd) successor(e *env, page *httpServer, key string) (next string, err error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return "", nil
		case err := <-page.ended:
			page.ended <- nil // for end
			return "", err
		case <-tick.C:
		}
		s, err := page.monitor.Snapshot()
		if err != nil {
			return "", err
		}
		if c.Key != "" || s.State == monitor.Open {
			continue
		}
		next, err := c.key(e)
		if err == nil && next != key {
			return next, nil
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			e.log.Debug("no other server yet", "error.message", err)
		}
	}
}

// sameAddr is the address that was asked for with the port that was given.
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
