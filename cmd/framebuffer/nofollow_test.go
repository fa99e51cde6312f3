package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// A command that is not to follow, or was given a key, ends with the server: status 4 and one line.
func TestNoFollow(t *testing.T) {
	t.Parallel()
	for _, by := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			name, s, server := serving(t, "--size", "1MiB", "--jetstream", filepath.Join(t.TempDir(), "streams"))
			nothing, hold, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer nothing.Close()
			defer hold.Close()
			all := []*spoken{
				speaking(t, nil, "stat", "--watch", "--interval", "50ms", "--name", name, "--no-follow"),
				speaking(t, nil, "web", "--name", name, "--no-follow"),
				speaking(t, nil, "record", "cam", "--name", name, "--no-follow"), speaking(t, nil, "mirror", "other", "--name", name, "--no-follow"),
			}
			for _, how := range [][]string{{"--name", name, "--no-follow"}, {"--key", s.Key}} {
				all = append(all,
					speaking(t, nil, append([]string{"sub", "cam"}, how...)...),
					speaking(t, nothing, append([]string{"pub", "cam"}, how...)...),
					speaking(t, nothing, append([]string{"pub", "none", "--wait", "1"}, how...)...))
			}
			all[0].out.await(t, "ring")
			all[1].out.await(t, "http")
			awaitClients(t, s.Key, len(all)-2)       // these have no slot
			await(t, name, "framebuffer record cam") // it has begun
			ends(t, server, by)
			for _, one := range all {
				r := one.end(t)
				if lines := strings.Split(strings.TrimSpace(unhurried(r.err)), "\n"); r.status != exitNoServer ||
					len(lines) != 1+strings.Count(r.err, "bytes, ") || strings.Contains(r.err, "is back") {
					t.Errorf("%v: %+v", one.Args[1:], r)
				}
			}
		})
	}
}

// awaitClients returns when so many commands are attached to stay.
func awaitClients(t testing.TB, key string, n int) {
	t.Helper()
	m, err := monitor.Attach(key)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		s, err := m.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		there := 0
		for _, c := range s.Clients {
			if c.Role == "client" && strings.Contains(c.Name, " ") && c.Name != "framebuffer command" {
				there++ // others only ask something
			}
		}
		if there >= n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d clients", there, n)
		}
	}
}
