package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// Options are for Listen.
type Options struct {
	Addr  string       // host and port; an empty host is all addresses, port 0 any that is free
	Token string       // default: a random one
	Log   *slog.Logger // default: nothing is logged
}

// Server serves one segment's figures until its context ends.
type Server struct {
	monitor  *monitor.Monitor
	feed     *feed
	gallery  *gallery
	log      *slog.Logger
	token    string
	loopback bool
	listener net.Listener
	http     *http.Server
}

// Listen takes the address and answers nobody yet. Serve does, and closes it; m is left open.
func Listen(m *monitor.Monitor, opts *Options) (*Server, error) {
	s := &Server{monitor: m, feed: newFeed(m), gallery: newGallery(m), log: opts.Log, token: opts.Token}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.token == "" {
		s.token = rand.Text()
	}
	listener, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("serve HTTP on %q: %w", opts.Addr, err)
	}
	s.listener = newCrowd(listener, connLimit())
	s.loopback = s.address().IP.IsLoopback()
	s.http = &http.Server{
		Handler:           s.guard(s.routes()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       patience, // of a request that has a body
		WriteTimeout:      patience, // of an answer; what is sent piece by piece has it for each piece
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

func (s *Server) address() *net.TCPAddr { return s.listener.Addr().(*net.TCPAddr) }

// URL is where the page is, for people on this machine: with the token, where that is needed.
func (s *Server) URL() string {
	at := *s.address()
	u := url.URL{Scheme: "http", Host: at.String(), Path: "/"}
	if at.IP.IsUnspecified() {
		u.Host = fmt.Sprintf("localhost:%d", at.Port)
	}
	if !s.loopback {
		u.RawQuery = url.Values{"token": {s.token}}.Encode()
	}
	return u.String()
}

// grace is how long requests under way may take when the server ends.
const grace = time.Second

// Serve answers until ctx ends, and looks at the segment every second, so that there is
// something to show to who comes. Requests under way see their context end too.
func (s *Server) Serve(ctx context.Context) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	s.http.BaseContext = func(net.Listener) context.Context { return inner }
	go s.feed.run(inner)
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(s.listener) }()
	s.log.Info("serving HTTP", "server.address", s.address().IP.String(), "server.port", s.address().Port)
	select {
	case err := <-ended:
		return fmt.Errorf("serve HTTP on %v: %w", s.address(), err)
	case <-ctx.Done():
	}
	brief, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := s.http.Shutdown(brief); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("end HTTP on %v: %w", s.address(), err)
	}
	return s.http.Close()
}

// Close gives the address back, where Serve was not called.
func (s *Server) Close() error { return s.listener.Close() }
