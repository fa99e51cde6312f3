package service

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/remote"
)

// Version is the version of the service's protocol, as NATS shows it.
const Version = "1.0.0"

// ServeOptions are for [Serve]. The zero value, or nil, means the defaults.
type ServeOptions struct {
	// Name is how clients on this host find the server; several servers run side by side
	// under different names. Default: DefaultName.
	Name string

	// Host is the name by which other hosts know this one: 1 to 64 letters, digits, dots and
	// hyphens. Default: the system's host name.
	Host string

	// URL is the user's own NATS. Default: an embedded server.
	URL string

	// NATSConfig is the path of the embedded server's configuration file, as nats-server
	// takes it: listeners, cluster, leaf nodes, gateways, accounts, TLS, JetStream. What the
	// file gives no address listens on loopback, and the service logs in as the file's only
	// user or token, or as its user named framebuffer, or with Credentials. Default: loopback
	// only, with a password that clients of this host and user are told.
	NATSConfig string

	// JetStream is a directory in which the embedded NATS keeps streams, recordings among them.
	// It is made if there is none, and belongs to one server at a time. Default: JetStream is
	// off, unless NATSConfig turns it on.
	JetStream string

	// Credentials is the path of a NATS credentials file for URL or NATSConfig. Clients on
	// this host are told where it is.
	Credentials string

	// InboxPrefix is below which the server, and clients of this host that find it by name, have
	// answers to what they ask over NATS, as nats.CustomInboxPrefix has it: for a NATS user that
	// may subscribe to no other inbox. Default: _INBOX.
	InboxPrefix string

	// AskerInboxes are prefixes of inboxes beside _INBOX and InboxPrefix to which requests are
	// answered. A request whose reply subject lies elsewhere is not answered: the server would
	// publish with its own rights where the asker may not. What NATS servers put in place of an
	// inbox, between accounts and over gateways, needs no mention.
	AskerInboxes []string

	// RemoteAllocate is how many bytes of the ring programs may allocate in a second by asking
	// over NATS (framebuffer.allocate), with a URL or a NATSConfig: other hosts may share that
	// NATS, and each allocation overwrites frames. One allocation has no more than that either.
	// Default: 0, none. Over the embedded NATS without a file, which this host's same user alone
	// can reach, any number is allocated; clients that are attached never ask.
	RemoteAllocate int64

	// SigningKey is the path of a file with the seed of an NKey of the kind server, with which the
	// service signs what it sends to readers that ask for that: see ReaderOptions.Trust and
	// MirrorOptions.Trust. It is made if there is none, and refused if other users can read it.
	// Default: nothing is signed.
	SigningKey string

	// Mirrors are topics of other hosts to be copied into the server's ring. Self and Logger are
	// filled in.
	Mirrors []remote.MirrorOptions

	// TLS names the files of certificates for URL, and for clients of NATSConfig. Clients on
	// this host are told where they are.
	TLS TLS

	// Logger receives the service's log. Default: nothing is logged.
	Logger *slog.Logger
}

// DefaultName is the name of a server that was given none.
const DefaultName = natsconn.DefaultName

// TLS names the files for a NATS whose certificates the system does not know, or that asks its
// clients for a certificate.
type TLS = natsconn.TLS

// check returns what of the options cannot be, or contradicts another.
func (o *ServeOptions) check() error {
	if o.Credentials != "" && o.URL == "" && o.NATSConfig == "" {
		return errors.New("service: ServeOptions.Credentials without URL or NATSConfig: credentials are for your own NATS")
	}
	if o.URL != "" && o.NATSConfig != "" {
		return errors.New("service: ServeOptions.URL with NATSConfig: serve either on your own NATS or on an embedded one")
	}
	if o.URL != "" && o.JetStream != "" {
		return errors.New("service: ServeOptions.URL with JetStream: on your own NATS JetStream is turned on in its configuration")
	}
	if err := o.TLS.Check(); err != nil {
		return err
	}
	if !wire.ValidName(o.host()) {
		return fmt.Errorf("service: host name %.80q: use 1 to 64 letters, digits, dots and hyphens", o.host())
	}
	if o.RemoteAllocate < 0 {
		return fmt.Errorf("%w: ServeOptions.RemoteAllocate is %d bytes a second; 0 means none, and less there cannot be", framebuffer.ErrBadSize, o.RemoteAllocate)
	}
	return natsconn.CheckURLs(o.URL)
}
