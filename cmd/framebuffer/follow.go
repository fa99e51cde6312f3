package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// following is for commands that go on with the next server.
type following struct {
	NoFollow bool `help:"Exit with status 4 when the server ends, instead of continuing with the next one."`
}

// chain attaches to the server's ring, and goes on with the next server's unless the ring was
// given by its key. It says on standard error when a server is gone and when the next is there.
func (r *reach) chain(e *env, name string, how following) (*follow.Chain, error) {
	ring, err := r.direct(e, name)
	if err != nil {
		return nil, err
	}
	if r.Key.given() || how.NoFollow {
		return follow.New(ring, follow.Options{Stay: true}), nil
	}
	find := func(ctx context.Context, not string) (*framebuffer.Client, error) {
		key, err := r.another(e.quiet(ctx), not)
		if err != nil {
			return nil, err
		}
		return framebuffer.Attach(key, &framebuffer.ClientOptions{Name: name, Logger: e.log})
	}
	gone := func() { e.remark("waiting", "waiting for "+r.whose()) }
	back := func() { e.remark("back", r.whose()+" is back") }
	return follow.Following(ring, find, gone, back), nil
}

// another is the key of the server that is there now, if it is not this one. It waits for none.
func (r *reach) another(e *env, not string) (key string, err error) {
	if r.KeyFile == "" {
		key, err = r.key(e)
	} else {
		key, err = readKey(r.KeyFile)
	}
	if err == nil && (key == not || key == "") {
		err = fmt.Errorf("%w: there is no other one yet", framebuffer.ErrStaleKey)
	}
	return key, err
}

// whose is the server, as people read it.
func (r *reach) whose() string {
	if r.KeyFile != "" {
		return "the server that writes its key to " + r.KeyFile
	}
	return r.quoted()
}

// quiet is for searches, which may fail again and again, beside what the command does.
func (e *env) quiet(ctx context.Context) *env {
	q := *e
	q.ctx, q.log, q.err, q.logJSON = ctx, slog.New(slog.DiscardHandler), io.Discard, false
	return &q
}
