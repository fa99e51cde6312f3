package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/remote"
)

// Service is a running service. Its methods may be called concurrently.
type Service struct {
	server    *framebuffer.Server
	config    ServeOptions
	log       *slog.Logger
	signer    *sign.Key         // nil: nothing is signed
	allowance *allowance        // of askers over a NATS that may be shared
	replies   *natsconn.Replies // where answers may go
	source    *remote.Source
	ways
	running
	rings
}

// ways are how clients and other hosts reach the service.
type ways struct {
	rendezvous *natsconn.Listener
	embedded   *natsconn.Embedded // nil with the user's own NATS
	access     natsconn.Access
	nats       *nats.Conn
	micro      *instance
	streams    *nats.Conn // of frames and topics for and from other hosts: publishing may wait with its lock held
}

// running is what runs until Close.
type running struct {
	life    context.Context
	end     context.CancelFunc
	working sync.WaitGroup
	close   func() error
}

// rings are the service's own attachments to the ring. The mutex protects all but mirrorRing, which
// Serve sets.
type rings struct {
	mirrorRing *framebuffer.Client // that mirrors publish to; nil without any

	mu      sync.Mutex
	client  *framebuffer.Client // nil until a request needs it
	mirrors []*remote.Mirror
	ended   bool
}

// Serve starts the service of a server: clients get its key, and allocate in its ring. The service does
// not close the server. Nil options mean defaults. When Serve returns, clients can find the server. Serve
// fails when a server of that name already runs on this host, or NATS cannot be reached; ctx bounds the
// way there, and not the service.
func Serve(ctx context.Context, server *framebuffer.Server, opts *ServeOptions) (*Service, error) {
	if opts == nil {
		opts = &ServeOptions{}
	}
	if server == nil {
		return nil, errors.New("service: the server is nil: make one with framebuffer.NewServer")
	}
	if server.Stats().Capacity == 0 {
		return nil, fmt.Errorf("%w: the server was closed already: make a new one with framebuffer.NewServer", framebuffer.ErrClosed)
	}
	if err := opts.check(); err != nil {
		return nil, err
	}
	s := &Service{server: server, config: *opts, log: opts.Logger, allowance: newAllowance(opts.RemoteAllocate)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.replies, err = natsconn.NewReplies(opts.InboxPrefix, opts.AskerInboxes, s.log); err != nil {
		return nil, err
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.close = sync.OnceValue(s.stop)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// work runs f in a goroutine, unless the service is ending; stop waits for it.
func (s *Service) work(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.working.Go(f)
	}
}

// URL returns the URL of the service's NATS, without user names, passwords and tokens.
func (s *Service) URL() string { return natsconn.RedactURL(s.access.URL) }

// Close ends the service and its embedded NATS, but not the [framebuffer.Server]. It publishes
// framebuffer.stopped, if NATS can be reached. Further calls do nothing and return the same.
func (s *Service) Close() error { return s.close() }

func (s *Service) stop() error {
	var errs []error
	if s.rendezvous != nil {
		errs = append(errs, s.rendezvous.Close())
	}
	if s.micro != nil {
		errs = append(errs, s.micro.Stop())
	}
	if s.nats != nil {
		s.announceStop()
		s.nats.Close()
	}
	s.end()
	if s.source != nil {
		errs = append(errs, s.source.Close()) // and s.streams
	}
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.working.Wait()
	for _, c := range []*framebuffer.Client{s.client, s.mirrorRing} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	if s.embedded != nil {
		errs = append(errs, s.embedded.Close())
	}
	return errors.Join(errs...)
}

// announceStop publishes that this instance ends. Once NATS knows that, and that the endpoints are
// gone, it answers requests with "no responders" at once, and clients do not wait. A NATS that cannot be
// reached is not an error.
func (s *Service) announceStop() {
	if s.access.ID == "" || !s.nats.IsConnected() {
		return
	}
	err := s.nats.Publish(wire.StoppedSubject, []byte(s.access.ID))
	if err == nil {
		err = s.nats.FlushTimeout(natsconn.TalkTimeout)
	}
	if err != nil {
		s.log.Debug("NATS was gone before the service", "error.message", err)
	}
}
