package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/remote"
)

// Service is a running service. Its methods may be called concurrently.
type Service struct {
	server     *framebuffer.Server
	config     ServeOptions
	log        *slog.Logger
	rendezvous *natsconn.Listener
	embedded   *natsconn.Embedded // nil with the user's own NATS
	nats       *nats.Conn
	micro      *instance
	replies    *natsconn.Replies // where answers may go
	access     natsconn.Access
	signer     *sign.Key // nil: nothing is signed
	close      func() error

	allowance *allowance // of askers over a NATS that may be shared

	life    context.Context // of everything that runs until Close
	end     context.CancelFunc
	working sync.WaitGroup
	streams *nats.Conn // of frames and topics for and from other hosts: publishing may wait with its lock held
	source  *remote.Source

	mirrorRing *framebuffer.Client // that mirrors publish to; nil without any

	mu      sync.Mutex
	client  *framebuffer.Client // of the own ring; nil until a request needs it
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

func (s *Service) start(ctx context.Context) (err error) {
	if s.config.SigningKey != "" {
		if s.signer, err = sign.Open(s.config.SigningKey); err != nil {
			return fmt.Errorf("service: %w", err)
		}
	}
	// The name comes first: only the server that has it starts a NATS.
	if s.rendezvous, err = natsconn.Listen(s.config.Name, s.log); err != nil {
		return err
	}
	s.access = natsconn.Access{URL: s.config.URL, Credentials: s.config.Credentials, TLS: s.config.TLS, Inbox: s.config.InboxPrefix}
	opts := []nats.Option{
		nats.Name("framebuffer server"),
		nats.MaxReconnects(-1),
		natsconn.LogErrors(s.log),
		// An account that is corrected later must find the server still trying.
		nats.IgnoreAuthErrorAbort(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // it is nil at Close
				s.log.Warn("NATS is out of reach; frames go on", "error.message", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { s.log.Info("NATS connected again") }),
	}
	if s.config.URL == "" {
		cfg := s.config
		s.embedded, err = natsconn.StartEmbedded(natsconn.EmbeddedConfig{
			Name: cfg.Name, Host: cfg.host(), File: cfg.NATSConfig, JetStream: cfg.JetStream,
			Credentials: cfg.Credentials, TLS: cfg.TLS, InboxPrefix: cfg.InboxPrefix, Logger: s.log,
		})
		if err != nil {
			return err
		}
		s.access = s.embedded.Access
		opts = append(opts, s.embedded.InProcess()...)
	}
	if err := s.access.Absolute(); err != nil {
		return err
	}
	opts = append(opts, s.access.Options()...)
	if s.nats, err = s.access.Connect(ctx, opts...); err != nil {
		return fmt.Errorf("service: connect to NATS at %s: %w", natsconn.RedactURL(s.access.URL), s.access.ExplainEntry(err))
	}
	if err := s.addEndpoints(); err != nil {
		return err
	}
	if err := s.openSource(ctx); err != nil {
		return err
	}
	s.access.ID, s.access.Key, s.access.PID = s.micro.Info().ID, s.server.Key(), os.Getpid()
	if err := s.openMirrors(); err != nil {
		return err
	}
	if err := s.announce(); err != nil {
		return err
	}
	if s.embedded != nil {
		s.work(func() { s.embedded.DropSilentConnections(s.life) })
		s.work(func() { s.embedded.RestartJetStream(s.life) })
	}
	s.rendezvous.Serve(s.access)
	s.log.Info("serving", "framebuffer.server.name", natsconn.NameOrDefault(s.config.Name), "framebuffer.server.id", s.access.ID, "url.full", s.URL())
	return nil
}

// streamFlushTimeout is how long a message for another host may wait for the network.
const streamFlushTimeout = 10 * time.Second

// openSource answers requests of other hosts for frames and topics.
func (s *Service) openSource(ctx context.Context) (err error) {
	// What cannot be sent now is of no use later: nothing is kept for after a reconnection.
	opts := append(s.embedded.InProcess(), nats.ReconnectBufSize(-1), nats.FlusherTimeout(streamFlushTimeout), natsconn.LogErrors(s.log))
	if s.streams, err = s.access.Dial(ctx, "framebuffer server, frames", opts...); err != nil {
		return err
	}
	s.source, err = remote.NewSource(s.streams, &remote.SourceOptions{
		Key: s.server.Key(), ID: s.micro.Info().ID, Host: s.config.host(), Name: natsconn.NameOrDefault(s.config.Name),
		Replies: s.replies, SigningKey: s.signer, Logger: s.log,
	})
	return err
}

// work runs f in a goroutine, unless the service is ending; stop waits for it.
func (s *Service) work(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.working.Go(f)
	}
}

// announce tells clients that stayed connected to a NATS of the user's own that a new server runs: they
// attach to it. It ends with a round trip, after which NATS knows the endpoints. The message contains
// the instance's ID and not the key, which would appear in logs; permitted clients request the key.
func (s *Service) announce() error {
	if err := s.nats.Publish(wire.StartedSubject, []byte(s.access.ID)); err != nil {
		return fmt.Errorf("service: announce: %w", err)
	}
	if err := s.nats.FlushTimeout(natsconn.ReadyTimeout); err != nil {
		return fmt.Errorf("service: announce: %w", err)
	}
	return nil
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
