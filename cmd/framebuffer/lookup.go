package main

import (
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

// lookup are the flags that say how a command finds a server.
type lookup struct {
	Name  string `group:"server" help:"Name of the server on this host." env:"FRAMEBUFFER_NAME" default:"default"`
	NATS  secret `group:"server" name:"nats" help:"Find the server through your own NATS at this URL. @FILE reads the URL from a file: put a URL with a password there or into the environment, because every user of this host sees the flags." env:"FRAMEBUFFER_NATS" placeholder:"URL|@FILE"`
	Creds string `group:"nats" help:"NATS credentials file for --nats." env:"FRAMEBUFFER_CREDS" type:"existingfile" placeholder:"FILE"`
	tlsFiles
}

// tlsFiles are the flags for TLS and inboxes on NATS.
type tlsFiles struct {
	CA   string `group:"nats" name:"nats-ca" help:"CA certificates for the NATS server, if the system does not have them." env:"FRAMEBUFFER_NATS_CA" type:"existingfile" placeholder:"FILE"`
	Cert string `group:"nats" name:"nats-cert" help:"Client certificate for the NATS server." env:"FRAMEBUFFER_NATS_CERT" type:"existingfile" placeholder:"FILE"`
	Own  string `group:"nats" name:"nats-key" help:"Private key of --nats-cert." env:"FRAMEBUFFER_NATS_KEY" type:"existingfile" placeholder:"FILE"`

	Inbox string `group:"nats" name:"nats-inbox" help:"Prefix of the inboxes for answers over NATS, such as _INBOX.alice: for a NATS user that may subscribe to no other inbox." env:"FRAMEBUFFER_NATS_INBOX" placeholder:"PREFIX"`
}

func (t tlsFiles) files() service.TLS { return service.TLS{CA: t.CA, Cert: t.Cert, Key: t.Own} }

// options converts the flags to options of package service.
func (l *lookup) options(e *env) *service.Options {
	return &service.Options{
		Name: l.Name, URL: string(l.NATS), Credentials: l.Creds, TLS: l.files(), InboxPrefix: l.Inbox,
		Logger: e.log,
	}
}

// connect finds the server, connects to it and attaches to its ring.
func (l *lookup) connect(e *env, attach *framebuffer.ClientOptions) (*service.Client, error) {
	opts := l.options(e)
	opts.Attach = attach
	return e.connect(opts, l.quoted())
}

// connect connects to the server that opts describe. If that takes a while, it says on standard
// error that it waits for server.
func (e *env) connect(opts *service.Options, server string) (*service.Client, error) {
	defer e.waiting(server)()
	c, err := service.Connect(e.ctx, opts)
	return c, e.interrupted(err)
}

// dial connects to the server's NATS without attaching to its ring.
func (l *lookup) dial(e *env) (*nats.Conn, error) {
	defer e.waiting(l.quoted())()
	nc, err := service.Dial(e.ctx, l.options(e))
	return nc, e.interrupted(err)
}

// both connects to the server's NATS and attaches to its ring as a client of that name. The
// connection stays with this server: when the server ends, it does not look for the next one.
func (l *lookup) both(e *env, name string) (*service.Client, *framebuffer.Client, error) {
	opts := l.options(e)
	opts.Stay = true
	client, err := e.connect(opts, l.quoted())
	if err != nil {
		return nil, nil, err
	}
	ring, err := framebuffer.Attach(client.Key(), &framebuffer.ClientOptions{Name: name, Logger: e.log})
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return client, ring, nil
}

// key asks the server for its key.
func (l *lookup) key(e *env) (string, error) {
	client, err := l.connect(e, nil)
	if err != nil {
		return "", err
	}
	return client.Key(), client.Close()
}
