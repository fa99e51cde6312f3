package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// A server that starts and ends as it should says nothing that its user can do nothing about.
func TestStartIsSilent(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(conf, []byte(`accounts { a { users: [{ user: framebuffer, password: "a password" }] } }`), 0o600); err != nil {
		t.Fatal(err)
	}
	one := filepath.Join(dir, "one.conf")
	if err := os.WriteFile(one, []byte(`authorization { user: framebuffer, password: "a password" }`), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, args := range map[string][]string{
		"default":       nil,
		"jetstream":     {"--jetstream", filepath.Join(dir, "streams")},
		"HTTP":          {"--http", "127.0.0.1:0"},
		"mirror":        {"--mirror", "cam@nosuch"},
		"memfd":         {"--backend", "memfd", "--dir", dir},
		"key file":      {"--key-file", filepath.Join(dir, "key")},
		"a file's user": {"--nats-config", conf},
		"its only user": {"--nats-config", one},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			name := "silent-" + strconv.FormatInt(time.Now().UnixNano(), 36)
			serve := speaking(t, nil, append([]string{"serve", "--name", name, "--size", "1MiB"}, args...)...)
			serve.out.await(t, "Ctrl-C")
			// A client has got in and out by then.
			if r := runCommand(t, "x", "pub", "cam", "--name", name); r.status != exitOK || unhurried(r.err) != totalled("pub", "cam", 1, 1) {
				t.Errorf("%+v", r)
			}
			serve.signal(t, syscall.SIGTERM)
			r := serve.end(t)
			if what == "mirror" { // what it waits for may be said
				r.err = ""
			}
			if r.status != exitOK || r.err != "" {
				t.Errorf("status %d, %s", r.status, r.err)
			}
		})
	}
	t.Run("demo", func(t *testing.T) {
		t.Parallel()
		if r := runCommand(t, "", "demo", "--duration", "200ms", "--size", "8MiB"); r.status != exitOK || r.err != "" {
			t.Errorf("status %d, %s", r.status, r.err)
		}
	})
}

// A signal ends a server that waits for a NATS which accepts connections and says nothing.
func TestSignalWhileStarting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	url := "nats://" + l.Addr().String()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		keyFile := filepath.Join(t.TempDir(), "key")
		name := "starting-" + strconv.FormatInt(time.Now().UnixNano(), 36)
		serve := start(t, nil, "serve", "--name", name, "--size", "1MiB", "--nats", url, "--key-file", keyFile)
		c := <-accepted
		defer c.Close()
		signalled(t, serve, sig, exitOK, "")
		if _, err := os.Stat(keyFile); !os.IsNotExist(err) {
			t.Errorf("the key file was left: %v", err)
		}
	}
}
