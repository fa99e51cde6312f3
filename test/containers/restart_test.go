//go:build containers

package containers

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inside runs a command in a container that runs already.
func inside(name string, args ...string) *exec.Cmd {
	return podman.command(append([]string{"exec", "--interactive", name, "/framebuffer"}, args...)...)
}

// ownPID is the process of a command in a container, as this side sees it: the one that has all
// these words. Podman's own have more before them.
func ownPID(t *testing.T, words ...string) int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		line, err := os.ReadFile(file)
		if err == nil && string(line) == strings.Join(append([]string{"/framebuffer"}, words...), "\x00")+"\x00" {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no process of %v", words)
	return 0
}

// A ring of 60 % of a container's memory, whose server is killed while clients are attached, is
// followed by another of that size: the clients let go of the old one, and serve waits for that.
func TestRestartInLittleMemory(t *testing.T) {
	for _, backend := range []string{"sysv", "memfd"} {
		t.Run(backend, func(t *testing.T) {
			dir, flags := shared(t)
			flags = append(flags, "--memory=400m", "--memory-swap=400m")
			key := "/run/fb/key"
			sub := start(t, "", flags, "sub", "cam", "--key-file", key)
			t.Cleanup(func() { _, _ = podman.run("rm", "--force", "--time", "1", sub.name) })
			words := []string{"--json", "serve", "--size", "240MiB", "--key-file", key, "--name", filepath.Base(dir), "--backend", backend}
			if backend == "memfd" {
				words = append(words, "--dir", "/run/fb")
			}
			var server *exec.Cmd
			var said bytes.Buffer
			serving := func() {
				t.Helper()
				server = inside(sub.name, words...)
				said.Reset()
				server.Stderr = &said
				out, err := server.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := server.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = server.Process.Kill() })
				var s struct{ Capacity uint64 }
				if err := json.NewDecoder(out).Decode(&s); err != nil || s.Capacity != 240<<20 {
					_ = server.Wait()
					t.Fatalf("serve: %+v, %v, %s", s, err, &said)
				}
			}
			awaitContainer(t, sub.name)
			serving()
			put := inside(sub.name, "pub", "cam", "--key-file", key, "--wait", "1", "--keep", "--frame-size", "1MiB")
			frame := bytesOf(1 << 20)
			put.Stdin = strings.NewReader(frame)
			if out, err := put.CombinedOutput(); err != nil {
				t.Fatalf("pub: %v, %s", err, out)
			}
			if err := syscall.Kill(ownPID(t, words...), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = server.Wait()
			serving()
			pub := inside(sub.name, "pub", "cam", "--key-file", key, "--wait", "1", "--frame-size", "1MiB")
			pub.Stdin = strings.NewReader(frame + frame)
			if out, err := pub.CombinedOutput(); err != nil {
				t.Fatalf("pub to the next server: %v, %s", err, out)
			}
			if r := sub.end(t); r.status != 0 || r.out != frame+frame+frame || strings.Count(r.err, "is back") != 1 {
				t.Errorf("sub: status %d, %d bytes, %s", r.status, len(r.out), r.err)
			}
		})
	}
}

// awaitContainer returns when the container runs.
func awaitContainer(t *testing.T, name string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if out, err := podman.run("container", "inspect", "--format", "{{.State.Running}}", name); err == nil && strings.TrimSpace(out) == "true" {
			return
		}
	}
	t.Fatalf("the container %s does not run", name)
}
