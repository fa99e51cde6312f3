package main

import (
	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

// reach is how client commands find their server.
type reach struct {
	Key   string `help:"Attach with this key instead of looking for a server." env:"FRAMEBUFFER_KEY" placeholder:"KEY"`
	Name  string `help:"Name of the server on this host." env:"FRAMEBUFFER_NAME" default:"default"`
	NATS  string `name:"nats" help:"Ask the server through your own NATS at this URL." env:"FRAMEBUFFER_NATS" placeholder:"URL"`
	Creds string `help:"NATS credentials file for that URL." env:"FRAMEBUFFER_CREDS" type:"existingfile" placeholder:"FILE"`
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
	return service.Connect(e.ctx, &service.Options{
		Name: r.Name, URL: r.NATS, Credentials: r.Creds, Attach: opts, Logger: e.log,
	})
}

// direct returns a client of the memory itself: with the key if there is one, else with that
// of the server that is found.
func (r *reach) direct(e *env, name string) (*framebuffer.Client, error) {
	key := r.Key
	if key == "" {
		found, err := service.Connect(e.ctx, &service.Options{Name: r.Name, URL: r.NATS, Credentials: r.Creds, Logger: e.log})
		if err != nil {
			return nil, err
		}
		key = found.Key()
		if err := found.Close(); err != nil {
			return nil, err
		}
	}
	return framebuffer.Attach(key, &framebuffer.ClientOptions{Name: name})
}
