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
	"sync/atomic"
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
	opts    *natsserver.Options
	log     *slog.Logger
	server  atomic.Pointer[natsserver.Server] // that runs, or ran last: restart replaces it
	streams streamDir
	store   *jetStream // nil: it has no JetStream
}

// StartEmbedded runs a NATS server. Without a file it is for this host and user: it listens on
// loopback, on a port that the kernel chooses, and asks for a password that is made anew and that only
// clients of this user are told.
func StartEmbedded(cfg EmbeddedConfig) (e *Embedded, err error) {
	e = &Embedded{Access: Access{Embedded: true, Credentials: cfg.Credentials, TLS: cfg.TLS, Inbox: cfg.InboxPrefix}, log: cfg.Logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.streams.release())
			e = nil
		}
	}()
	if e.streams, err = holdStreamDir(cfg.JetStream); err != nil {
		return e, err
	}
	if e.opts, err = e.options(cfg); err != nil {
		return e, err
	}
	if e.opts.JetStream {
		e.store = &jetStream{embedded: e, poke: make(chan struct{}, 1)}
	}
	if err := e.run(); err != nil {
		return e, err
	}
	e.Access.URL, e.Access.maxConns = localURL(e.server.Load().ClientURL()), e.opts.MaxConn
	return e, nil
}

// run starts a NATS server with the options, and waits until it accepts connections. The first one
// writes the port that the kernel chose into the options, so that a later one listens there too.
func (e *Embedded) run() error {
	ns, err := natsserver.NewServer(e.opts)
	if err != nil {
		return fmt.Errorf("framebuffer: embedded NATS: %w", err)
	}
	e.logTo(ns)
	go ns.Start()
	if !ns.ReadyForConnections(ReadyTimeout) {
		ns.Shutdown()
		return fmt.Errorf("framebuffer: embedded NATS did not listen on %s within %v: is the address this host's, the port free, and loopback up?",
			net.JoinHostPort(e.opts.Host, strconv.Itoa(e.opts.Port)), ReadyTimeout)
	}
	e.server.Store(ns)
	return nil
}

// stop stops the NATS server. run may start another in its place, which clients connect to again.
func (e *Embedded) stop() {
	ns := e.server.Load()
	ns.Shutdown()
	ns.WaitForShutdown()
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

// logTo has a NATS server log to the log, unless its file names a log of its own. JetStream's state is
// read from that log too: with a log of its own the user has to restart the server.
func (e *Embedded) logTo(ns *natsserver.Server) {
	switch {
	case e.opts.LogFile != "" || e.opts.Syslog:
		ns.ConfigureLogger()
	case e.store != nil:
		ns.SetLoggerV2(jetStreamLog{natsLog{e.log}, e.store}, false, false, false)
	default:
		ns.SetLoggerV2(natsLog{e.log}, false, false, false)
	}
}

// InProcess returns the options of a connection from this process. Without TLS it bypasses the
// network. With TLS it uses the network as other clients do: the in-process pipe has no buffer, so
// that a side which refuses the other's certificate could wait for ever to send its alert.
func (e *Embedded) InProcess() []nats.Option {
	if e == nil || strings.HasPrefix(e.Access.URL, "tls:") {
		return nil
	}
	return []nats.Option{nats.InProcessServer(e), nats.ReconnectWait(inProcessWait), nats.ReconnectJitter(0, 0)}
}

// inProcessWait is how often a connection from this process tries again while NATS is restarted.
const inProcessWait = 100 * time.Millisecond

// InProcessConn connects to the NATS server that runs now. It is for [nats.InProcessServer].
func (e *Embedded) InProcessConn() (net.Conn, error) { return e.server.Load().InProcessConn() }

// DropSilentConnections closes connections that have not logged in while there are many, until the
// context ends.
func (e *Embedded) DropSilentConnections(ctx context.Context) {
	dropSilent(ctx, e.server.Load, e.Access.maxConns)
}

// RestartJetStream restarts NATS when its JetStream has stopped writing and the disk has room again,
// until the context ends.
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
	e.stop()
	return e.streams.release()
}

// NewSecret returns 256 random bits in hexadecimal.
func NewSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
