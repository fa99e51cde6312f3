package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// With examples/hosts/permissions.conf servers, a host that mirrors, a reader and a watcher do
// their work without a word of NATS against it, and none can do another's, nor touch recordings.
func TestLeastPermissions(t *testing.T) {
	const most, size, frames = 60_000, 5_000_000, 20
	opts, err := natsserver.ProcessConfigFile(natstest.ExampleFile(t, t.TempDir(), "permissions.conf"))
	if err != nil {
		t.Fatal(err)
	}
	url := natstest.StartNATS(t, opts).ClientURL()
	at := func(login string) string { return strings.Replace(url, "nats://", "nats://"+login+"@", 1) }
	cam, gpu, alice, watcher := at("cam:change-me"), at("gpu:change-me-too"), at("alice:change-me-also"), at("watcher:change-me-last")
	said := &natstest.Log{}
	log := slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn}))

	o := natstest.StartOwner(t, cam, 8<<20)
	server, err := framebuffer.NewServer(8<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	name := natstest.Unique(t)
	svc, err := service.Serve(context.Background(), server, &service.ServeOptions{
		URL: gpu, Name: name, Host: "gpu", InboxPrefix: "_INBOX.gpu", Logger: log,
		Mirrors: []remote.MirrorOptions{{Topic: "front", From: "owner"}, {Topic: "back"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	nc := natstest.Dial(t, service.Options{URL: watcher, InboxPrefix: "_INBOX.watcher", Logger: log})
	mirrors := func(what string, right func(remote.MirrorStats) bool) {
		t.Helper()
		natstest.Eventually(t, what, func() error {
			all := hostsNamed(t, nc, "gpu owner")[0].Mirrors
			if len(all) != 2 || !right(all[0]) || !right(all[1]) {
				return fmt.Errorf("%+v", all)
			}
			return nil
		})
	}
	// Once they have looked for their topics, they have them from the beginning.
	mirrors("both topics are looked for", func(m remote.MirrorStats) bool { return strings.Contains(m.Why, remote.ErrNoTopic.Error()) })
	for _, topicName := range []string{"front", "back"} {
		o.Do(natstest.Order{Topic: topicName, Put: most, Count: frames})
	}
	mirrors("both topics are mirrored", func(m remote.MirrorStats) bool { return m.Frames == frames && m.Lost == 0 })
	f := o.Do(natstest.Order{Put: size, Seed: 1})
	r := remote.NewReader(natstest.Dial(t, service.Options{URL: alice, InboxPrefix: "_INBOX.alice", Logger: log}), nil)
	defer r.Close()
	local := natstest.Connect(t, service.Options{Name: name, Logger: log}) // logs in as its server, and has its inbox
	for reader, read := range map[string]func(context.Context, framebuffer.Frame) ([]byte, error){"alice": r.Get, "a client of gpu": local.Get} {
		if data, err := read(t.Context(), f); err != nil || !bytes.Equal(data, natstest.Content(1, size)) {
			t.Errorf("%s: %d bytes, %v", reader, len(data), err)
		}
	}
	if n := said.Count("ermission"); n > 0 {
		t.Errorf("NATS has refused something %d times", n)
	}

	for login, cannot := range map[string][]string{
		cam: {
			"$JS.API.STREAM.DELETE.FRAMES_front", "$JS.API.STREAM.PURGE.FRAMES_front", "framebuffer-recording.front.part", "framebuffer.ID.get_key", "framebuffer.read.TAG", "elsewhere",
		},
		gpu: {
			"$JS.API.STREAM.DELETE.FRAMES_front", "framebuffer-recording.front.part", "framebuffer.ID.get_key", "framebuffer.allocate", "elsewhere",
			"sub _INBOX.>", "sub _INBOX.alice.>", "sub >",
		},
		alice: {
			"framebuffer.get_key", "framebuffer.ID.get_key", "framebuffer.allocate", "framebuffer.ID.mirror", "framebuffer.at.owner", "framebuffer.started", "_INBOX.gpu.x",
			"$SRV.PING", "$JS.API.INFO", "framebuffer-recording.front.part",
			"sub _INBOX.>", "sub _INBOX.gpu.>", "sub framebuffer.>", "sub framebuffer.read.*", "sub framebuffer.*.heard.*", "sub >",
		},
		watcher: {"framebuffer.ID.get_key", "framebuffer.read.TAG", "framebuffer.ID.mirror", "sub _INBOX.>", "sub framebuffer.>"},
	} {
		refused := make(chan error, len(cannot))
		nc, err := nats.Connect(login, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
		if err != nil {
			t.Fatal(err)
		}
		for _, subject := range cannot {
			if to, isSub := strings.CutPrefix(subject, "sub "); isSub {
				_, err = nc.Subscribe(to, func(*nats.Msg) {})
			} else {
				err = nc.Publish(subject, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-refused:
				if !errors.Is(err, nats.ErrPermissionViolation) {
					t.Errorf("%s: %v", subject, err)
				}
			case <-natstest.Within(t).Done():
				t.Errorf("%s: %s is permitted", login, subject)
			}
		}
		nc.Close()
	}
}
