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
	"strconv"
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

// Listen binds the address. [Server.Serve] answers requests and closes it; m is left open.
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

// URL returns an address of the page that works: where the server listens on all interfaces, that of the
// first one that other machines reach. It has the token, where that is needed.
func (s *Server) URL() string {
	u := url.URL{Scheme: "http", Host: s.Addresses()[0], Path: "/"}
	if !s.loopback {
		u.RawQuery = url.Values{"token": {s.token}}.Encode()
	}
	return u.String()
}

// Addresses returns the hosts and ports at which the server listens: those of all interfaces, where it was
// told none, loopback last.
func (s *Server) Addresses() []string {
	at := s.address()
	if !at.IP.IsUnspecified() {
		return []string{at.String()}
	}
	var all, last []string
	interfaces, _ := net.InterfaceAddrs() // without them loopback remains
	for _, one := range interfaces {
		n, is := one.(*net.IPNet)
		if !is || n.IP.IsLinkLocalUnicast() || at.IP.To4() != nil && n.IP.To4() == nil {
			continue
		}
		to := &all
		if n.IP.IsLoopback() {
			to = &last
		}
		*to = append(*to, net.JoinHostPort(n.IP.String(), strconv.Itoa(at.Port)))
	}
	if all = append(all, last...); len(all) == 0 {
		all = []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(at.Port))}
	}
	return all
}

// grace is how long requests under way may take when the server ends.
const grace = time.Second

// Serve answers requests until ctx ends. It takes a snapshot every second, so that a page that is opened has
// a history to plot. Requests under way see their context end too.
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

// Close closes the listener, where Serve was not called.
func (s *Server) Close() error { return s.listener.Close() }
