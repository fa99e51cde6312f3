package service_test

import (
	"context"
	"errors"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// A client that is to stay with its server ends with it, whichever way that ended, and looks for no
// other: it says nothing of a search, and does not go on with the next server when that is there.
func TestStay(t *testing.T) {
	url := natstest.OwnNATS(t)
	for what, c := range map[string]struct {
		url  string
		kill bool
	}{
		"FoundKilled": {"", true}, "FoundClosed": {"", false}, "OwnNATSKilled": {url, true}, "OwnNATSClosed": {url, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			args := []string{natstest.Unique(t)}
			if c.url != "" {
				args = append(args, c.url)
			}
			p := testproc.Start(t, "serve", args...)
			var key, next string
			p.Recv(&key)
			client := natstest.Connect(t, service.Options{Name: args[0], URL: c.url, Stay: true})
			sub, err := client.Subscribe("cam", nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.kill {
				p.Kill()
			} else {
				p.Done()
			}
			if _, err := sub.Next(natstest.Within(t)); !errors.Is(err, framebuffer.ErrClosed) || errors.Is(err, framebuffer.ErrServerGone) != c.kill {
				t.Errorf("the subscription ended with %v", err)
			}
			testproc.Start(t, "serve", args...).Recv(&next)
			if _, err := client.Put(context.Background(), []byte("x")); !errors.Is(err, framebuffer.ErrClosed) {
				t.Errorf("Put: %v", err)
			}
			if client.Key() != key || key == next {
				t.Errorf("attached to %s, not to %s; the next is %s", client.Key(), key, next)
			}
		})
	}
}
