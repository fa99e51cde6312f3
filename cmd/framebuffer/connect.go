package main

import (
	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

// lookup is how a server is found.
type lookup struct {
	Name  string `help:"Name of the server on this host." env:"FRAMEBUFFER_NAME" default:"default"`
	NATS  string `name:"nats" help:"Ask the server through your own NATS at this URL." env:"FRAMEBUFFER_NATS" placeholder:"URL"`
	Creds string `help:"NATS credentials file for that URL." env:"FRAMEBUFFER_CREDS" type:"existingfile" placeholder:"FILE"`
}

func (l *lookup) connect(e *env, attach *framebuffer.ClientOptions) (*service.Client, error) {
	return service.Connect(e.ctx, &service.Options{
		Name: l.Name, URL: l.NATS, Credentials: l.Creds, Attach: attach, Logger: e.log,
	})
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
	Key string `help:"Attach with this key instead of looking for a server." env:"FRAMEBUFFER_KEY" placeholder:"KEY"`
	lookup
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
	opts := &framebuffer.ClientOptions{Name: "framebuffer command"}
	if r.Key != "" {
		return framebuffer.Attach(r.Key, opts)
	}
	return r.connect(e, opts)
}

// direct returns a client of the memory itself: with the key if there is one, else with that
// of the server that is found.
func (r *reach) direct(e *env, name string) (*framebuffer.Client, error) {
	key := r.Key
	if key == "" {
		var err error
		if key, err = r.key(e); err != nil {
			return nil, err
		}
	}
	return framebuffer.Attach(key, &framebuffer.ClientOptions{Name: name})
}
