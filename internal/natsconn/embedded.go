package natsconn

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// ReadyTimeout is how long the embedded NATS may take to accept connections, and a NATS to confirm
// subscriptions.
const ReadyTimeout = 10 * time.Second

// EmbeddedConfig is for startEmbedded.
type EmbeddedConfig struct {
	Name, Host  string // of the framebuffer server and of this host; both are part of the NATS server's name
	File        string // a configuration file of nats-server; "": loopback, for this user
	JetStream   string // directory of its streams; "": as the file says
	Credentials string
	TLS         TLS
	InboxPrefix string
	Logger      *slog.Logger
}

// Embedded is a NATS server in this process.
type Embedded struct {
	Access  Access // how clients of this host reach it
	server  *natsserver.Server
	streams streamDir
	store   *jetStream // nil: it has no JetStream
}

// StartEmbedded runs a NATS server. Without a file it is for this host and user: it listens on
// loopback, on a port that the kernel chooses, and asks for a password that is made anew and that only
// clients of this user are told.
func StartEmbedded(cfg EmbeddedConfig) (e *Embedded, err error) {
	e = &Embedded{Access: Access{Embedded: true, Credentials: cfg.Credentials, TLS: cfg.TLS, Inbox: cfg.InboxPrefix}}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.streams.release())
			e = nil
		}
	}()
	if e.streams, err = holdStreamDir(cfg.JetStream); err != nil {
		return e, err
	}
	opts, err := e.options(cfg)
	if err != nil {
		return e, err
	}
	if e.server, err = natsserver.NewServer(opts); err != nil {
		return e, fmt.Errorf("framebuffer: embedded NATS: %w", err)
	}
	e.logTo(cfg.Logger, opts)
	go e.server.Start()
	if !e.server.ReadyForConnections(ReadyTimeout) {
		e.server.Shutdown()
		return e, fmt.Errorf("framebuffer: embedded NATS did not listen on %s within %v: is the address this host's, the port free, and loopback up?",
			net.JoinHostPort(opts.Host, strconv.Itoa(opts.Port)), ReadyTimeout)
	}
	e.Access.URL, e.Access.maxConns = localURL(e.server.ClientURL()), opts.MaxConn
	return e, nil
}

// options returns the NATS server's options, and notes how to log in.
func (e *Embedded) options(cfg EmbeddedConfig) (opts *natsserver.Options, err error) {
	opts = &natsserver.Options{}
	if cfg.File != "" {
		if opts, err = natsserver.ProcessConfigFile(cfg.File); err != nil {
			return nil, fmt.Errorf("framebuffer: NATS configuration: %w", err)
		}
	}
	if opts.ServerName == "" {
		opts.ServerName = "framebuffer-" + NewSecret()[:8]
		if cfg.File != "" || cfg.JetStream != "" { // JetStream knows its servers by their names
			opts.ServerName = "framebuffer-" + cfg.Host + "-" + NameOrDefault(cfg.Name)
		}
	}
	bindLoopback(opts)
	limitConnections(opts)
	if err := e.streams.configure(opts, cfg.File); err != nil {
		return nil, err
	}
	if err := e.Access.login(opts, cfg.File, cfg.Logger); err != nil {
		return nil, err
	}
	e.Access.TLS.First = opts.TLSHandshakeFirst
	opts.NoSigs = true // the program handles signals
	return opts, nil
}

// logTo has the NATS server log to log, unless its file names a log of its own. JetStream's state is
// read from that log too: with a log of its own the user has to restart JetStream.
func (e *Embedded) logTo(log *slog.Logger, opts *natsserver.Options) {
	if opts.JetStream {
		e.store = &jetStream{ns: e.server, opts: opts, log: log, poke: make(chan struct{}, 1)}
	}
	switch {
	case opts.LogFile != "" || opts.Syslog:
		e.server.ConfigureLogger()
	case e.store != nil:
		e.server.SetLoggerV2(jetStreamLog{natsLog{log}, e.store}, false, false, false)
	default:
		e.server.SetLoggerV2(natsLog{log}, false, false, false)
	}
}

// InProcess returns the options of a connection from this process. Without TLS it bypasses the
// network. With TLS it uses the network as other clients do: the in-process pipe has no buffer, so
// that a side which refuses the other's certificate could wait for ever to send its alert.
func (e *Embedded) InProcess() []nats.Option {
	if e == nil || strings.HasPrefix(e.Access.URL, "tls:") {
		return nil
	}
	return []nats.Option{nats.InProcessServer(e.server)}
}

// DropSilentConnections closes connections that have not logged in while there are many, until the
// context ends.
func (e *Embedded) DropSilentConnections(ctx context.Context) {
	dropSilent(ctx, e.server, e.Access.maxConns)
}

// RestartJetStream restarts JetStream when it has stopped writing and its disk has room again, until
// the context ends.
func (e *Embedded) RestartJetStream(ctx context.Context) {
	if e.store != nil {
		e.store.watch(ctx)
	}
}

// JetStreamState returns the state of its JetStream, or nil if it has none.
func (e *Embedded) JetStreamState() *Store {
	if e == nil {
		return nil
	}
	return e.store.state()
}

// Close stops the NATS server.
func (e *Embedded) Close() error {
	e.server.Shutdown()
	e.server.WaitForShutdown()
	return e.streams.release()
}

// NewSecret returns 256 random bits in hexadecimal.
func NewSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
