package main

import (
	"context"
	"errors"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/web"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// httpServer serves the page of a segment while a command runs.
type httpServer struct {
	url       string
	addresses []string // at which it listens
	monitor   *monitor.Monitor
	stop      context.CancelFunc
	ended     chan error
}

// startHTTP serves the page of the segment with that key at an address.
func startHTTP(e *env, key, addr, token string) (*httpServer, error) {
	m, err := monitor.Attach(key)
	if err != nil {
		return nil, err
	}
	return show(e, m, addr, token)
}

// show serves the page of a monitor, and closes the monitor at the end.
func show(e *env, m *monitor.Monitor, addr, token string) (*httpServer, error) {
	s, err := web.Listen(m, &web.Options{Addr: addr, Token: token, Log: e.log})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	ctx, stop := context.WithCancel(e.ctx)
	h := &httpServer{url: s.URL(), addresses: s.Addresses(), monitor: m, stop: stop, ended: make(chan error, 1)}
	go func() {
		err := s.Serve(ctx)
		if err != nil && ctx.Err() == nil {
			e.log.Error("HTTP ended by itself", "error.message", err)
		}
		h.ended <- err
	}()
	return h, nil
}

// end stops the server and returns its error.
func (h *httpServer) end() error {
	h.stop()
	return errors.Join(<-h.ended, h.monitor.Close())
}
