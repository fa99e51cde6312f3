package natsconn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/nats-io/nats.go"
)

// DefaultName is the name of a server that was given none.
const DefaultName = "default"

// Access is what a client on this host needs to reach a server. The server sends it as JSON over its
// rendezvous socket, to clients of the same user only.
type Access struct {
	ID          string `json:"id"`  // of the micro service's instance
	Key         string `json:"key"` // of the segment
	PID         int    `json:"pid"` // of the server's process
	URL         string `json:"url"` // of NATS, as nats.Connect takes it
	Embedded    bool   `json:"embedded,omitempty"`
	User        string `json:"user,omitempty"`
	Password    string `json:"password,omitempty"`
	Token       string `json:"token,omitempty"`
	Credentials string `json:"credentials,omitempty"` // path of a file
	TLS         TLS    `json:"tls,omitzero"`
	Inbox       string `json:"inbox,omitempty"`   // prefix of inboxes that the login may subscribe to
	Refused     string `json:"refused,omitempty"` // why the client is not told the above

	maxConns int // of the embedded NATS
}

// TLS names the files for a NATS whose certificates the system does not know, or that asks
// for one.
type TLS struct {
	CA   string `json:"ca,omitempty"`   // certificates of the authorities that may have signed the server's
	Cert string `json:"cert,omitempty"` // the client's certificate
	Key  string `json:"key,omitempty"`  // the private key of Cert

	// First has clients start with the TLS handshake, before NATS sends anything (handshake_first in
	// NATS's configuration). For the embedded NATS it is set automatically.
	First bool `json:"first,omitempty"`
}

// Check returns an error if only one of certificate and key is named.
func (t TLS) Check() error {
	if (t.Cert == "") != (t.Key == "") {
		return fmt.Errorf("framebuffer: a TLS certificate %q with the key %q: name both files or neither", t.Cert, t.Key)
	}
	return nil
}

func (t TLS) options() (opts []nats.Option) {
	if t.CA != "" {
		opts = append(opts, nats.RootCAs(t.CA))
	}
	if t.Cert != "" {
		opts = append(opts, nats.ClientCert(t.Cert, t.Key))
	}
	if t.First {
		opts = append(opts, nats.TLSHandshakeFirst())
	}
	return opts
}

// Absolute makes paths absolute, since clients run in other directories.
func (a *Access) Absolute() error {
	for _, path := range []*string{&a.Credentials, &a.TLS.CA, &a.TLS.Cert, &a.TLS.Key} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("framebuffer: path %q: %w", *path, err)
		}
		*path = abs
	}
	return nil
}

// common returns the NATS options that do not depend on the login.
func (a Access) common() []nats.Option {
	opts := a.TLS.options()
	if a.Inbox != "" {
		opts = append(opts, nats.CustomInboxPrefix(a.Inbox))
	}
	return opts
}

// Options returns the NATS options of a connection with this access.
func (a Access) Options() []nats.Option {
	opts := a.common()
	switch {
	case a.Credentials != "":
		opts = append(opts, nats.UserCredentials(a.Credentials))
	case a.User != "":
		opts = append(opts, nats.UserInfo(a.User, a.Password))
	case a.Token != "":
		opts = append(opts, nats.Token(a.Token))
	}
	return opts
}

// LogErrors logs the errors that nats.go reports outside of its calls, which it would print to standard
// error: a lack of permission as a warning, and others as debug messages.
func LogErrors(log *slog.Logger) nats.Option {
	return nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
		subject := ""
		if sub != nil {
			subject = sub.Subject
		}
		level := slog.LevelDebug
		if errors.Is(err, nats.ErrPermissionViolation) {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, "NATS", "error.message", err, "messaging.destination.name", subject)
	})
}

// RendezvousName returns the name of the abstract Unix socket of this user's server with that name.
// An abstract name belongs to a network namespace and ends with the process that bound it: a killed
// server leaves nothing behind, and a name in use belongs to a process that runs.
func RendezvousName(name string) (string, error) {
	name = NameOrDefault(name)
	if !wire.ValidName(name) {
		return "", fmt.Errorf("framebuffer: server name %.80q: use 1 to 64 letters, digits, dots and hyphens", name)
	}
	return fmt.Sprintf("@framebuffer-%d-%s", os.Geteuid(), name), nil
}

// NameOrDefault returns a server's name, or DefaultName if it has none.
func NameOrDefault(name string) string {
	if name == "" {
		return DefaultName
	}
	return name
}
