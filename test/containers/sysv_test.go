//go:build containers

package containers

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// bytesOf are n bytes that no cache, compressor or page of zeroes could make up.
func bytesOf(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return string(b)
}

// Containers that share the server's IPC namespace and nothing else read each other's frames.
// The ring is larger than the 64 MiB that /dev/shm has in a container.
func TestSharedIPCNamespace(t *testing.T) {
	server, key := serve(t, []string{"--ipc=shareable"}, "--size", "160MiB", "--backend", "sysv")
	joined := []string{"--ipc=container:" + server}
	content := bytesOf(100 << 20)
	put := run(t, content, joined, "put", "-", "--key", key)
	if put.status != 0 {
		t.Fatalf("put: %+v", put)
	}
	if get := run(t, put.out, joined, "get", "-"); get.status != 0 || get.out != content {
		t.Errorf("get: status %d, %d bytes, %s", get.status, len(get.out), get.err)
	}
	// Another user is refused, and told.
	other := run(t, put.out, append(joined, "--user=1234:1234"), "get", "-")
	if other.status != 6 || !strings.Contains(other.err, "uid 1234") || !strings.Contains(other.err, "mode") {
		t.Errorf("another user: %+v", other)
	}
}

// A server may let other users in.
func TestAnotherUser(t *testing.T) {
	server, key := serve(t, []string{"--ipc=shareable"}, "--size", "1MiB", "--mode", "0666", "--backend", "sysv")
	other := []string{"--ipc=container:" + server, "--user=1234:1234"}
	put := run(t, "hello", other, "put", "-", "--key", key)
	if get := run(t, put.out, other, "get", "-"); put.status != 0 || get.out != "hello" {
		t.Errorf("%+v, %+v", put, get)
	}
}

// A subscriber that sleeps in one container is woken by a publisher in another, and by the
// end of the topic; one that is killed there disturbs nobody.
func TestTopicAcrossContainers(t *testing.T) {
	server, key := serve(t, []string{"--ipc=shareable"}, "--size", "64MiB", "--backend", "sysv")
	joined := []string{"--ipc=container:" + server}
	content := bytesOf(40 * 100_000)
	subs := []*started{
		start(t, "", joined, "sub", "cam", "--key", key),
		start(t, "", joined, "sub", "cam", "--key", key),
		start(t, "", joined, "sub", "other", "--key", key),
	}
	one := start(t, content[:100], joined, "pub", "other", "--key", key, "--wait", "1", "--keep")
	if r := one.end(t); r.status != 0 {
		t.Fatalf("%+v", r)
	}
	if _, err := podman.run("kill", "--signal", "KILL", subs[2].name); err != nil {
		t.Fatal(err)
	}
	if r := subs[2].end(t); r.status != 137 {
		t.Errorf("killed: %+v", r)
	}
	pub := run(t, content, joined, "pub", "cam", "--key", key, "--wait", "2", "--frame-size", "100000")
	if pub.status != 0 {
		t.Errorf("pub: %+v", pub)
	}
	for _, s := range subs[:2] {
		if r := s.end(t); r.status != 0 || r.out != content {
			t.Errorf("sub: status %d, %d bytes of %d, %s", r.status, len(r.out), len(content), r.err)
		}
	}
}

// From another IPC namespace the memory cannot be seen: the error says so, with both remedies.
func TestForeignIPCNamespace(t *testing.T) {
	_, key := serve(t, []string{"--ipc=private"}, "--size", "1MiB", "--backend", "sysv")
	host := testproc.Command(filepath.Join(podman.dir, "framebuffer"), "allocate", "1", "--key", key)
	var complaint bytes.Buffer
	host.Stderr = &complaint
	_ = host.Run()
	for where, r := range map[string]result{
		"another container": run(t, "", nil, "allocate", "1", "--key", key),
		"the host":          {err: complaint.String(), status: host.ProcessState.ExitCode()},
	} {
		if r.status != 4 {
			t.Errorf("%s: %+v", where, r)
		}
		for _, says := range []string{"IPC namespace", "--ipc=container:", "--ipc=host"} {
			if !strings.Contains(r.err, says) {
				t.Errorf("%s: no %q in %q", where, says, r.err)
			}
		}
	}
}

// In the host's namespace, containers and processes outside of any see the same.
func TestHostIPCNamespace(t *testing.T) {
	_, key := serve(t, []string{"--ipc=host"}, "--size", "1MiB", "--backend", "sysv")
	put := run(t, "from a container", []string{"--ipc=host"}, "put", "-", "--key", key)
	get := testproc.Command(filepath.Join(podman.dir, "framebuffer"), "get", "-")
	get.Stdin, get.Stderr = strings.NewReader(put.out), os.Stderr
	if out, err := get.Output(); err != nil || string(out) != "from a container" {
		t.Errorf("%+v; %q, %v", put, out, err)
	}
}

// A ring larger than the container's memory is an error at start, not a kill later.
func TestMemoryLimit(t *testing.T) {
	r := run(t, "", []string{"--memory=32m"}, "serve", "--size", "64MiB")
	if r.status != 5 || !strings.Contains(r.err, "available (/sys/fs/cgroup/") {
		t.Errorf("%+v", r)
	}
	if _, key := serve(t, []string{"--memory=96m"}, "--size", "64MiB", "--backend", "sysv"); key == "" {
		t.Error("a ring that fits was refused")
	}
}
