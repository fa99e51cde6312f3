package service

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// readyLimit is how long the embedded NATS may take to accept connections.
const readyLimit = 10 * time.Second

// startEmbedded runs a NATS server: of the file, if there is one, and otherwise for this
// host's own use: loopback only, a port of the system's choice, and a password that nobody
// knows who was not told.
func startEmbedded(cfg Config, log *slog.Logger) (*natsserver.Server, access, *store, error) {
	a := access{Embedded: true, Credentials: cfg.Credentials, TLS: cfg.TLS, Inbox: cfg.InboxPrefix}
	opts := &natsserver.Options{}
	if cfg.NATSConfig != "" {
		var err error
		if opts, err = natsserver.ProcessConfigFile(cfg.NATSConfig); err != nil {
			return nil, a, nil, fmt.Errorf("service: NATS configuration: %w", err)
		}
	}
	if opts.ServerName == "" {
		opts.ServerName = "framebuffer-" + newSecret()[:8]
		if cfg.NATSConfig != "" || cfg.JetStream != "" { // JetStream knows its servers by their names
			opts.ServerName = "framebuffer-" + cfg.host() + "-" + orDefault(cfg.Name)
		}
	}
	stayAtHome(opts)
	boundConnections(opts)
	if err := keepIn(opts, cfg.JetStream, cfg.NATSConfig); err != nil {
		return nil, a, nil, err
	}
	if err := a.login(opts, cfg.NATSConfig, log); err != nil {
		return nil, a, nil, err
	}
	a.TLS.First = opts.TLSHandshakeFirst
	opts.NoSigs = true // signals are the program's business
	ns, err := natsserver.NewServer(opts)
	if err != nil {
		return nil, a, nil, fmt.Errorf("service: embedded NATS: %w", err)
	}
	var streams *store
	if opts.JetStream {
		streams = &store{ns: ns, opts: opts, log: log, poke: make(chan struct{}, 1)}
	}
	switch {
	case opts.LogFile != "" || opts.Syslog:
		ns.ConfigureLogger() // and its JetStream is the user's to start again
	case streams != nil:
		ns.SetLoggerV2(storeLog{natsLog{log}, streams}, false, false, false)
	default:
		ns.SetLoggerV2(natsLog{log}, false, false, false)
	}
	go ns.Start()
	if !ns.ReadyForConnections(readyLimit) {
		ns.Shutdown()
		return nil, a, nil, fmt.Errorf("service: embedded NATS did not listen on %s within %v: is the address this host's, the port free, and loopback up?",
			net.JoinHostPort(opts.Host, strconv.Itoa(opts.Port)), readyLimit)
	}
	a.URL, a.most = localURL(ns.ClientURL()), opts.MaxConn
	return ns, a, streams, nil
}

// inside are the options of a connection to the embedded NATS, if that is this service's. Without TLS it
// goes past the network. With TLS it takes the way that this host's other clients take: the pipe between the two
// ends in one process has no buffer, so that an end which refuses the other's certificate can wait for ever to tell it.
func (s *Service) inside() []nats.Option {
	if s.embedded == nil || strings.HasPrefix(s.access.URL, "tls:") {
		return nil
	}
	return []nats.Option{nats.InProcessServer(s.embedded)}
}

// newSecret is 256 random bits in hex.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
