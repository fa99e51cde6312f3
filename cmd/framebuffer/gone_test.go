package main

import (
	"strings"
	"syscall"
	"testing"
)

// A frame whose server is gone is one line and status 4, whether another server runs or not and
// whether others are still attached.
func TestGetOfAGoneServer(t *testing.T) {
	t.Parallel()
	for _, by := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		for _, backend := range []string{"sysv", "memfd", "file"} {
			flags := []string{"--size", "1MiB", "--backend", backend}
			if backend != "sysv" {
				flags = append(flags, "--dir", memoryDir(t))
			}
			name, s, server := serving(t, flags...)
			frame := strings.TrimSpace(runCommand(t, "hello", "put", "-", "--name", name).out)
			speaking(t, nil, "sub", "x", "--key", s.Key)
			awaitClients(t, s.Key, 1)
			ends(t, server, by)
			none := runCommand(t, "", "get", frame, "--name", name)
			servingAs(t, name, flags...)
			for what, r := range map[string]result{"no server": none, "the next server": runCommand(t, "", "get", frame, "--name", name)} {
				if r.status != exitNoServer || strings.Count(r.err, "\n") != 1 || r.out != "" {
					t.Errorf("%s, %v, %s: %+v", backend, by, what, r)
				}
			}
		}
	}
}

// A server that is stopped is told from none, with its process.
func TestStoppedServer(t *testing.T) {
	t.Parallel()
	name, _, server := serving(t, "--size", "1MiB")
	if err := server.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Process.Signal(syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}()
	for _, args := range [][]string{{"key"}, {"put", "-"}, {"pub", "x"}, {"sub", "x"}, {"stat"}, {"topics"}, {"hosts"}, {"record", "x"}, {"mirror", "x"}, {"recordings"}} {
		r := runHere(t, "x", append(args, "--name", name)...)
		said := unhurried(r.err)
		if r.status != exitNoServer || !strings.Contains(said, "does not answer") || !strings.Contains(said, "is stopped") || strings.Contains(said, "no server found") || strings.Count(said, "\n") != 1 {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
