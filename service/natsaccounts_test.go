package service_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// With examples/hosts/guests.conf another account has frames and topics of the one for frames, and nothing else; and
// however much comes, its NATS server keeps nothing of it.
func TestGuests(t *testing.T) {
	const most, batch, batches, size = 60_000, 20, 20, 5_000_000
	opts, err := natsserver.ProcessConfigFile(natstest.ExampleFile(t, t.TempDir(), "guests.conf"))
	if err != nil {
		t.Fatal(err)
	}
	ns := natstest.StartNATS(t, opts)
	at := func(login string) string { return strings.Replace(ns.ClientURL(), "nats://", "nats://"+login+"@", 1) }
	o, guest := natstest.StartOwner(t, at("framebuffer:change-me"), 8<<20), at("guest:change-me-too")
	f := o.Do(natstest.Order{Put: size, Seed: 1})
	r := reader(t, guest, nil)
	for range 3 {
		data, err := r.Get(t.Context(), f)
		if err != nil || !bytes.Equal(data, natstest.Content(1, size)) {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	}
	if w := r.Stats(); w.Resumed > 0 {
		t.Errorf("%+v", w)
	}
	c := startMirror(t, guest, 8<<20, most, remote.MirrorOptions{Topic: "front", From: "owner", Window: 64 << 10})
	c.counts(t, func(s remote.MirrorStats) bool { return s.State == "looking" && s.Why != "" })
	for i := range uint64(batches) {
		o.Do(natstest.Order{Topic: "front", Put: most, Count: batch, Seed: i * batch})
		for range batch {
			c.take(t, 0)
		}
	}
	c.counts(t, func(s remote.MirrorStats) bool { return s.Frames == batch*batches && s.Lost == 0 })
	for account, few := range map[string]int{"guests": 0, "frames": 20} { // of those requests, for two minutes
		a, err := ns.LookupAccount(account)
		if err != nil {
			t.Fatal(err)
		}
		if n := a.NumPendingAllResponses(); n > few {
			t.Errorf("%d ways for answers are kept for %s", n, account)
		}
	}
	nc := natstest.Dial(t, service.Options{URL: guest})
	if all, err := remote.Hosts(natstest.Within(t), nc); !errors.Is(err, service.ErrNoServer) {
		t.Errorf("%+v, %v", all, err)
	}
	for _, subject := range []string{"framebuffer.get_key", "framebuffer.allocate", fmt.Sprintf("framebuffer.%s.get_key", c.Stats().ID)} {
		if m, err := nc.Request(subject, []byte("1"), natstest.Limit); err == nil {
			t.Errorf("%s: answered %q", subject, m.Data)
		}
	}
}
