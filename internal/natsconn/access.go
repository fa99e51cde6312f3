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

// Access is what a client on this host needs to know of a server. It travels as JSON over
// the meeting point, to the same user only.
type Access struct {
	ID          string `json:"id"`  // the micro service's instance
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
	Refused     string `json:"refused,omitempty"` // instead of all the above

	maxConns int // of the embedded NATS
}

// TLS names the files for a NATS whose certificates the system does not know, or that asks
// for one.
type TLS struct {
	CA   string `json:"ca,omitempty"`   // certificates of who may have signed the server's
	Cert string `json:"cert,omitempty"` // of the client
	Key  string `json:"key,omitempty"`  // to that

	// First has clients begin with TLS, before NATS says anything (handshake_first in its configuration). Of the
	// embedded NATS the service finds out by itself.
	First bool `json:"first,omitempty"`
}

func (t TLS) Check() error {
	if (t.Cert == "") != (t.Key == "") {
		return fmt.Errorf("service: a TLS certificate %q with the key %q: name both files or neither", t.Cert, t.Key)
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

// Absolute makes paths mean the same to clients that are told them and run in other
// directories.
func (a *Access) Absolute() error {
	for _, path := range []*string{&a.Credentials, &a.TLS.CA, &a.TLS.Cert, &a.TLS.Key} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("service: path %q: %w", *path, err)
		}
		*path = abs
	}
	return nil
}

// common are the NATS options that do not depend on the login.
func (a Access) common() []nats.Option {
	opts := a.TLS.options()
	if a.Inbox != "" {
		opts = append(opts, nats.CustomInboxPrefix(a.Inbox))
	}
	return opts
}

// Options are the NATS options that get in with these credentials.
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

// LogErrors has what nats.go has to say beside its calls go to the log, and not to standard error: what is
// not permitted as a warning, and lines that break as what they are, nothing new.
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

// RendezvousName is the abstract Unix socket of the server with that name and user. Abstract
// names belong to a network namespace and end with the process that bound them: a killed
// server leaves nothing, and a name that is taken is taken by somebody alive.
func RendezvousName(name string) (string, error) {
	name = NameOrDefault(name)
	if !wire.ValidName(name) {
		return "", fmt.Errorf("service: server name %.80q: use 1 to 64 letters, digits, dots and hyphens", name)
	}
	return fmt.Sprintf("@framebuffer-%d-%s", os.Geteuid(), name), nil
}

func NameOrDefault(name string) string {
	if name == "" {
		return DefaultName
	}
	return name
}
