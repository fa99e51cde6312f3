package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// following is the flag of commands that continue with the next server.
type following struct {
	NoFollow bool `help:"Exit with status 4 when the server ends, instead of continuing with the next one."`
}

// chain attaches to the server's ring, and follows to the ring of the next server unless --key or
// --no-follow was given. It prints on standard error when a server has ended and when the next is
// there.
func (r *reach) chain(e *env, name string, how following) (*follow.Chain, error) {
	ring, err := r.direct(e, name)
	if err != nil {
		return nil, err
	}
	if r.Key.given() || how.NoFollow {
		return follow.New(ring, &follow.Options{Stay: true}), nil
	}
	find := func(ctx context.Context, ended string) (*framebuffer.Client, error) {
		key, err := r.another(e.quiet(ctx), ended)
		if err != nil {
			return nil, err
		}
		return framebuffer.Attach(key, &framebuffer.ClientOptions{Name: name, Logger: e.log})
	}
	gone := func(error) { e.remark("waiting", "waiting for "+r.whose()) }
	back := func() { e.remark("back", r.whose()+" is back") }
	return follow.New(ring, &follow.Options{Find: find, Ended: gone, Found: back}), nil
}

// another returns the key of the current server if it differs from not. It does not wait.
func (r *reach) another(e *env, not string) (key string, err error) {
	if r.KeyFile == "" {
		key, err = r.key(e)
	} else {
		key, err = readKey(r.KeyFile)
	}
	if err == nil && (key == not || key == "") {
		err = fmt.Errorf("%w: there is no other server yet", framebuffer.ErrStaleKey)
	}
	return key, err
}

// whose returns a description of the server that the flags name.
func (r *reach) whose() string {
	if r.KeyFile != "" {
		return "the server that writes its key to " + r.KeyFile
	}
	return r.quoted()
}

// quiet returns an env without output, for background searches, which may fail repeatedly.
func (e *env) quiet(ctx context.Context) *env {
	q := *e
	q.ctx, q.log, q.err, q.logJSON = ctx, slog.New(slog.DiscardHandler), io.Discard, false
	return &q
}
