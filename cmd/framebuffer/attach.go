package main

import (
	"context"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

// reach are the flags that say how a client command attaches to a ring: by a key, by a key file, or
// to the server that lookup finds.
type reach struct {
	Key     keyText `group:"server" help:"Attach with this key and look for no server. @FILE reads it from a file, @- from standard input; a key in a flag is visible to every user in the list of processes." env:"FRAMEBUFFER_KEY" placeholder:"KEY"`
	KeyFile string  `group:"server" help:"Attach with the key in this file, which serve --key-file writes. Wait for the file, and continue with the next key that is written there." env:"FRAMEBUFFER_KEY_FILE" placeholder:"FILE"`
	lookup
}

// given attaches with --key or --key-file. It returns false if neither is there.
func (r *reach) given(e *env, opts *framebuffer.ClientOptions) (client *framebuffer.Client, ok bool, err error) {
	switch {
	case r.Key.given():
		var key string
		if key, err = r.Key.read(e); err == nil {
			client, err = framebuffer.Attach(key, opts)
		}
	case r.KeyFile != "":
		client, err = byFile(e, r.KeyFile, func(key string) (*framebuffer.Client, error) {
			return framebuffer.Attach(key, opts)
		})
	default:
		return nil, false, nil
	}
	return client, true, err
}

// ring is what put and allocate need of a client of a ring, found through NATS or by key.
type ring interface {
	Key() string
	Allocate(size int) (uint64, error)
	Put(data []byte) (framebuffer.Frame, error)
	Stats() framebuffer.Stats
	Close() error
}

// servedRing is the ring of a server that was found by name. The end of the command ends its
// searches for a successor.
type servedRing struct {
	*service.Client
	ctx context.Context
}

func (s servedRing) Allocate(size int) (uint64, error) { return s.Client.Allocate(s.ctx, size) }

func (s servedRing) Put(data []byte) (framebuffer.Frame, error) { return s.Client.Put(s.ctx, data) }

// attach attaches by the key or key file if one was given, else to the server that lookup finds.
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
	if err != nil {
		return nil, err
	}
	return servedRing{client, e.ctx}, nil
}

// direct is attach without a connection to NATS: it keeps only the mapping of the ring. The client
// has that name.
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
