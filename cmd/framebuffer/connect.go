package main

import (
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

// lookup is how a server is found.
type lookup struct {
	Name  string `help:"Name of the server on this host." env:"FRAMEBUFFER_NAME" default:"default"`
	NATS  secret `name:"nats" help:"Ask the server through your own NATS at this URL, or the one in @FILE: a URL with a password belongs there or into the environment, since all users of this host see flags." env:"FRAMEBUFFER_NATS" placeholder:"URL|@FILE"`
	Creds string `help:"NATS credentials file for that URL." env:"FRAMEBUFFER_CREDS" type:"existingfile" placeholder:"FILE"`
	tlsFiles
}

// tlsFiles are certificates for NATS, and where it sends what is for this process.
type tlsFiles struct {
	CA   string `name:"nats-ca" help:"Certificates that sign that NATS's, if the system does not know them." env:"FRAMEBUFFER_NATS_CA" type:"existingfile" placeholder:"FILE"`
	Cert string `name:"nats-cert" help:"Certificate to show to that NATS." env:"FRAMEBUFFER_NATS_CERT" type:"existingfile" placeholder:"FILE"`
	Own  string `name:"nats-key" help:"Key to that certificate." env:"FRAMEBUFFER_NATS_KEY" type:"existingfile" placeholder:"FILE"`

	Inbox string `name:"nats-inbox" help:"Have answers over NATS below this prefix, such as _INBOX.alice: for a NATS user that may subscribe to no other inbox." env:"FRAMEBUFFER_NATS_INBOX" placeholder:"PREFIX"`
}

func (t tlsFiles) files() service.TLS { return service.TLS{CA: t.CA, Cert: t.Cert, Key: t.Own} }

func (l *lookup) options(e *env) *service.Options {
	return &service.Options{Name: l.Name, URL: string(l.NATS), Credentials: l.Creds, TLS: l.files(), InboxPrefix: l.Inbox, Logger: e.log}
}

func (l *lookup) connect(e *env, attach *framebuffer.ClientOptions) (*service.Client, error) {
	opts := l.options(e)
	opts.Attach = attach
	return e.connect(opts, l.quoted())
}

// connect says what it waits for, if that takes a while.
func (e *env) connect(opts *service.Options, server string) (*service.Client, error) {
	defer e.waiting(server)()
	c, err := service.Connect(e.ctx, opts)
	return c, e.interrupted(err)
}

// dial connects to NATS alone.
func (l *lookup) dial(e *env) (*nats.Conn, error) {
	defer e.waiting(l.quoted())()
	nc, err := service.Dial(e.ctx, l.options(e))
	return nc, e.interrupted(err)
}

// both connects to the server's NATS and attaches to its ring under a name of our own. That ring
// is the command's: the connection stays with the same server, and does not look for the next one.
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

// reach is how client commands get at the memory.
type reach struct {
	Key     keyText `help:"Attach with this key instead of looking for a server: @FILE reads it from a file, @- from standard input. A key by itself is shown to all users by ps." env:"FRAMEBUFFER_KEY" placeholder:"KEY"`
	KeyFile string  `help:"Attach with the key in this file, as serve --key-file writes it: wait for it, and go on with the next one that comes there." env:"FRAMEBUFFER_KEY_FILE" placeholder:"FILE"`
	lookup
}

// given attaches with the key that was given, if there is one.
func (r *reach) given(e *env, opts *framebuffer.ClientOptions) (client *framebuffer.Client, ok bool, err error) {
	switch {
	case r.Key.given():
		var key string
		if key, err = r.Key.read(e); err == nil {
			client, err = framebuffer.Attach(key, opts)
		}
	case r.KeyFile != "":
		client, err = byFile(e, r.KeyFile, func(key string) (*framebuffer.Client, error) { return framebuffer.Attach(key, opts) })
	default:
		return nil, false, nil
	}
	return client, true, err
}

// ring is what the commands need of either kind of client.
type ring interface {
	Key() string
	Allocate(size int) (uint64, error)
	Put(data []byte) (framebuffer.Frame, error)
	Stats() framebuffer.Stats
	Close() error
}

// attach returns a client: with the key if there is one, else of the server that is found.
func (r *reach) attach(e *env) (ring, error) {
	opts := &framebuffer.ClientOptions{Name: "framebuffer command", Logger: e.log}
	if client, ok, err := r.given(e, opts); ok {
		return client, err
	}
	client, err := r.connect(e, opts)
	if file := r.elsewhere(err); file != "" {
		r.KeyFile = file
		return r.attach(e)
	}
	return client, err
}

// direct returns a client of the memory itself: with the key if there is one, else with that
// of the server that is found.
func (r *reach) direct(e *env, name string) (*framebuffer.Client, error) {
	opts := &framebuffer.ClientOptions{Name: name, Logger: e.log}
	if client, ok, err := r.given(e, opts); ok {
		return client, err
	}
	key, err := r.key(e)
	if file := r.elsewhere(err); file != "" {
		r.KeyFile = file
		return r.direct(e, name)
	}
	if err != nil {
		return nil, err
	}
	return framebuffer.Attach(key, opts)
}
