package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// A server whose NATS user may subscribe to one inbox alone works with --nats-inbox, as its clients
// do, which are told of it; --asker-inbox has it answer another prefix, and --remote-allocate
// allocate for that.
func TestInboxFlags(t *testing.T) {
	const users = `authorization { users: [
		{ user: framebuffer, password: "a", permissions { publish: [ "framebuffer.>", "$SRV.>", "_INBOX.>", "people.>" ], subscribe: [ "framebuffer.>", "$SRV.>", "_INBOX.cam.>" ] } }
		{ user: alice, password: "b", permissions { publish: "framebuffer.>", subscribe: "people.alice.>" } }
	] }`
	conf := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(conf, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	name, s, _ := serving(t, "--size", "1MiB", "--nats-config", conf, "--nats-inbox", "_INBOX.cam", "--asker-inbox", "people.alice", "--remote-allocate", "64KiB")
	if r := runCommand(t, "", "hosts", "--name", name); r.status != 0 || !strings.Contains(r.out, name) {
		t.Errorf("hosts: %+v", r)
	}
	at := func(login string) string { return strings.Replace(s.NATS, "nats://", "nats://"+login+"@", 1) }
	if r := runCommand(t, "x", "put", "-", "--nats", at("framebuffer:a"), "--nats-inbox", "_INBOX.cam"); r.status != 0 || !strings.Contains(r.out, s.Key) {
		t.Errorf("put: %+v", r)
	}
	nc, err := nats.Connect(at("alice:b"), nats.CustomInboxPrefix("people.alice"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for size, want := range map[string]string{"64": "", "65537": "TOO_LARGE"} {
		m, err := nc.Request("framebuffer.allocate", []byte(size), patience)
		if err != nil || m.Header.Get(micro.ErrorCodeHeader) != want || want == "" && len(m.Data) == 0 {
			t.Errorf("allocate %s: %+v, %v", size, m, err)
		}
	}
	for _, flag := range []string{"--nats-inbox", "--asker-inbox"} {
		if r := runCommand(t, "", "serve", "--size", "64KiB", "--name", name+"x", flag, "framebuffer.read"); r.status != exitFailed || !strings.Contains(r.err, "prefix") {
			t.Errorf("%s: %+v", flag, r)
		}
	}
}
