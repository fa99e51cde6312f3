//go:build containers

package containers

import (
	"encoding/json"
	"strings"
	"testing"
)

// Clients and servers are killed in containers of their own, so in PID namespaces that no other
// container sees. Killed clients are in no list any more, and a killed server ends its clients and
// takes no new ones, with every backend.
func TestDeathAcrossContainers(t *testing.T) {
	for _, backend := range []string{"sysv", "memfd", "file"} {
		t.Run(backend, func(t *testing.T) {
			served, args, joined := apart(t, backend)
			server, key, cmd := launch(t, served, append(args, "--size", "1MiB")...)
			// For as long as clients are attached to sysv's memory, its IPC namespace is this one's.
			t.Cleanup(func() { _, _ = podman.run("rm", "--force", "--ignore", "--time", "0", server) })
			flags := joined(server)
			var subs []*started
			for range 4 {
				subs = append(subs, start(t, "", flags, "sub", "cam", "--key", key))
			}
			if r := run(t, "x", flags, "pub", "cam", "--key", key, "--wait", "4", "--keep"); r.status != 0 {
				t.Fatalf("%+v", r)
			}
			for _, s := range subs[:3] {
				if _, err := podman.run("kill", "--signal", "KILL", s.name); err != nil {
					t.Fatal(err)
				}
				if r := s.end(t); r.status != 137 {
					t.Errorf("killed: %+v", r)
				}
			}
			attached(t, run(t, "", flags, "--json", "stat", key, "--interval", "0"))

			if _, err := podman.run("kill", "--signal", "KILL", server); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if r := subs[3].end(t); r.status != 4 || r.out != "x" || strings.Count(strings.TrimSpace(r.err), "\n") != 0 || !strings.Contains(r.err, "server is gone") {
				t.Errorf("the subscriber of a killed server: %+v", r)
			}
			// sysv's namespace went with its containers.
			if r := run(t, "y", joinedStill(backend, flags), "put", "-", "--key", key); r.status != 4 || !strings.Contains(r.err, "stale key") {
				t.Errorf("put to a killed server: %+v", r)
			}
		})
	}
}

// joinedStill is what is left to join of a server's container that has ended.
func joinedStill(backend string, flags []string) []string {
	if backend == "sysv" {
		return nil
	}
	return flags
}

// attached checks that a snapshot has the server and one subscriber, both alive where they are.
func attached(t *testing.T, r result) {
	t.Helper()
	var s struct {
		State   string
		Clients []struct{ Name, Process string }
		Topics  []struct{ Subscribers []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(r.out), &s); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	if s.State != "open" || len(s.Clients) != 2 || len(s.Topics) != 1 || len(s.Topics[0].Subscribers) != 1 {
		t.Errorf("%+v", s)
	}
	for _, c := range s.Clients {
		if c.Process != "alive" {
			t.Errorf("seen from another PID namespace: %+v", c)
		}
	}
}
