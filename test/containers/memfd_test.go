//go:build containers

package containers

import (
	"os"
	"strings"
	"testing"
)

// shared makes a directory that containers have at /run/fb, and the flags that mount it.
func shared(t *testing.T) (dir string, flags []string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "framebuffer-containers-dir-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // other users' containers must get in
		t.Fatal(err)
	}
	return dir, []string{"--ipc=private", "--pid=private", "--volume=" + dir + ":/run/fb"}
}

// Containers that share a directory and no namespace at all read each other's frames and
// wake each other; users other than the server's are refused.
func TestMemfdThroughADirectory(t *testing.T) {
	dir, flags := shared(t)
	_, key := serve(t, flags, "--size", "160MiB", "--backend", "memfd", "--dir", "/run/fb")
	content := bytesOf(100 << 20)
	put := run(t, content, flags, "put", "-", "--key", key)
	if put.status != 0 {
		t.Fatalf("put: %+v", put)
	}
	if get := run(t, put.out, flags, "get", "-"); get.status != 0 || get.out != content {
		t.Errorf("get: status %d, %d bytes, %s", get.status, len(get.out), get.err)
	}
	// Mounted elsewhere, and for reading only.
	elsewhere := []string{"--volume=" + dir + ":/elsewhere:ro", "--env=FRAMEBUFFER_DIR=/elsewhere"}
	if get := run(t, put.out, elsewhere, "get", "-"); get.status != 0 || get.out != content {
		t.Errorf("get, mounted elsewhere: status %d, %d bytes, %s", get.status, len(get.out), get.err)
	}
	sub := start(t, "", flags, "sub", "cam", "--key", key)
	pub := run(t, content[:4_000_000], flags, "pub", "cam", "--key", key, "--wait", "1", "--frame-size", "100000")
	if r := sub.end(t); pub.status != 0 || r.status != 0 || r.out != content[:4_000_000] {
		t.Errorf("pub %+v; sub: status %d, %d bytes, %s", pub, r.status, len(r.out), r.err)
	}
	other := run(t, put.out, append(flags, "--user=1234:1234"), "get", "-")
	if other.status != 6 || !strings.Contains(other.err, "uid 1234") {
		t.Errorf("another user: %+v", other)
	}
	// Without the directory there is nothing to be seen, and the error says so.
	if r := run(t, put.out, nil, "get", "-"); r.status != 4 || !strings.Contains(r.err, "not mounted here") {
		t.Errorf("without the directory: %+v", r)
	}
}

// The memory is the server's container's, also when it has no name.
func TestMemfdMemoryLimit(t *testing.T) {
	_, flags := shared(t)
	r := run(t, "", append(flags, "--memory=32m"), "serve", "--size", "64MiB", "--backend", "memfd", "--dir", "/run/fb")
	if r.status != 5 || !strings.Contains(r.err, "available (/sys/fs/cgroup/") {
		t.Errorf("%+v", r)
	}
}

// The ring counts for its server: clients with much less memory than that use all of it. One
// that asks for more than its own is told so, and goes on.
func TestOutOfMemory(t *testing.T) {
	_, flags := shared(t)
	_, key := serve(t, flags, "--size", "80MiB", "--backend", "memfd", "--dir", "/run/fb")
	small := append(append([]string{}, flags...), "--memory=32m", "--memory-swap=32m")
	content := bytesOf(64 << 20)
	sub := start(t, "", small, "sub", "cam", "--key", key)
	pub := run(t, content, small, "pub", "cam", "--key", key, "--wait", "1", "--frame-size", "1MiB")
	if r := sub.end(t); pub.status != 0 || r.status != 0 || r.out != content {
		t.Errorf("pub %+v; sub: status %d, %d bytes, %s", pub, r.status, len(r.out), r.err)
	}
	put := run(t, content, flags, "put", "-", "--key", key)
	if put.status != 0 {
		t.Fatalf("put: %+v", put)
	}
	if r := run(t, put.out, small, "get", "-"); r.status != 5 || r.out != "" || !strings.Contains(r.err, "(/sys/fs/cgroup/") {
		t.Errorf("get, into too little memory: status %d, %d bytes, %s", r.status, len(r.out), r.err)
	}
	if get := run(t, put.out, flags, "get", "-"); get.status != 0 || get.out != content {
		t.Errorf("afterwards: status %d, %d bytes, %s", get.status, len(get.out), get.err)
	}
}

// A server may let other users in, also those of another user namespace.
func TestMemfdOtherUsers(t *testing.T) {
	_, flags := shared(t)
	_, key := serve(t, flags, "--size", "1MiB", "--backend", "memfd", "--dir", "/run/fb", "--mode", "0666")
	for name, user := range map[string][]string{
		"another uid":            {"--user=1234:1234"},
		"another user namespace": {"--uidmap=0:100000:1000", "--gidmap=0:100000:1000"},
	} {
		all := append(append([]string{}, flags...), user...)
		put := run(t, name, all, "put", "-", "--key", key)
		if get := run(t, put.out, all, "get", "-"); put.status != 0 || get.out != name {
			t.Errorf("%s: %+v, %+v", name, put, get)
		}
	}
}
