package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What follows the servers of a key file ends with one line when the next one is of another
// version. An empty file is one whose key is still to come.
func TestNextServerOfAnotherVersion(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	_, s, server := serving(t, "--size", "1MiB", "--key-file", file)
	nothing, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	defer hold.Close()
	all := []*spoken{
		speaking(t, nil, "stat", "--watch", "--interval", "50ms", "--key-file", file),
		speaking(t, nil, "web", "--key-file", file),
		speaking(t, nil, "sub", "cam", "--key-file", file),
		speaking(t, nothing, "pub", "cam", "--key-file", file),
	}
	term := inTerminal(t)
	term.run(`"$FB" top --interval 100ms --key-file ` + file + `; echo "ended with $?"`)
	term.shows("framebuffer top  open")
	all[0].out.await(t, "ring")
	all[1].out.await(t, "http")
	awaitClients(t, s.Key, 2)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ends(t, server, syscall.SIGKILL)
	all[0].out.await(t, "GONE")
	all[2].err.await(t, "waiting")
	all[3].err.await(t, "waiting")
	term.shows("framebuffer top  GONE")
	next := file + ".new"
	if err := os.WriteFile(next, []byte("fb3_sysv_1.2.3_nonce_check\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		r := one.end(t)
		lines := 0 // beside what was waited for, and totals
		for line := range strings.Lines(r.err) {
			if !strings.Contains(line, "waiting for") && !strings.Contains(line, " bytes, ") {
				lines++
			}
		}
		if r.status != exitUsage || lines != 1 || !strings.Contains(r.err, "another version") {
			t.Errorf("%v: %+v", one.Args[1:], r)
		}
	}
	term.shows("another version")
	term.shows("ended with 2")
}
