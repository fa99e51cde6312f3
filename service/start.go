package service

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/remote"
)

// start makes the service reachable, step by step; after an error, stop undoes the steps that were taken.
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
	if err := s.connect(ctx); err != nil {
		return err
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

// connect connects to the user's own NATS, or starts the embedded one.
func (s *Service) connect(ctx context.Context) (err error) {
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
