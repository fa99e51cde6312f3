package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// sessions calls do with a connection to the server's NATS and a client of its ring. When do has
// returned because the server has ended, sessions waits for the next server of the same name and
// calls do again, until do succeeds or fails for another reason. first is true in the first call.
// sessions closes client and ring after each call.
func (l *lookup) sessions(e *env, name string, how following, do func(client *service.Client, ring *framebuffer.Client, first bool) error) error {
	client, ring, err := l.both(e, name)
	if err != nil {
		return unlessSignalled(err)
	}
	for first := true; ; first = false {
		key := ring.Key()
		err := unlessSignalled(e.interrupted(do(client, ring, first)))
		ended := ring.Err()
		if err != nil && ended != nil && !errors.Is(err, framebuffer.ErrClosed) {
			err = fmt.Errorf("%w (%v)", ended, err) //nolint:errorlint // the end of the server is the cause
		}
		err = errors.Join(err, ring.Close(), client.Close())
		if err == nil || ended == nil || how.NoFollow {
			return err
		}
		e.remark("waiting", "waiting for "+l.quoted())
		if client, ring, err = l.next(e, name, key); err != nil {
			return unlessSignalled(err)
		}
		e.remark("back", l.quoted()+" is back")
	}
}

// next waits for a server whose key is not the last one.
func (l *lookup) next(e *env, name, not string) (*service.Client, *framebuffer.Client, error) {
	quiet := e.quiet(e.ctx)
	for {
		client, ring, err := l.both(quiet, name)
		if err == nil && ring.Key() != not {
			return client, ring, nil
		}
		if err == nil {
			err = errors.Join(ring.Close(), client.Close())
		}
		if err != nil && follow.Final(err) {
			return nil, nil, err
		}
		if !pause(e.ctx, 200*time.Millisecond) {
			return nil, nil, errSignal
		}
	}
}
