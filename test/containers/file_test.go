//go:build containers

package containers

import (
	"os"
	"strings"
	"testing"
)

// memory makes a directory on a tmpfs that containers have at /run/fb, and the flags for it.
func memory(t *testing.T) (dir string, flags []string) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "framebuffer-containers-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // other users' containers must get in
		t.Fatal(err)
	}
	return dir, []string{"--ipc=private", "--pid=private", "--volume=" + dir + ":/run/fb"}
}

// Containers that share a directory of memory and no namespace read each other's frames, and
// others find it where it is mounted; without it the error says so.
func TestFileThroughADirectory(t *testing.T) {
	dir, flags := memory(t)
	_, key := serve(t, flags, "--size", "64MiB", "--backend", "file", "--dir", "/run/fb")
	content := bytesOf(40 << 20)
	put := run(t, content, flags, "put", "-", "--key", key)
	if put.status != 0 {
		t.Fatalf("put: %+v", put)
	}
	elsewhere := []string{"--volume=" + dir + ":/elsewhere", "--env=FRAMEBUFFER_DIR=/elsewhere"}
	for where, f := range map[string][]string{"the same place": flags, "elsewhere": elsewhere} {
		if get := run(t, put.out, f, "get", "-"); get.status != 0 || get.out != content {
			t.Errorf("%s: status %d, %d bytes, %s", where, get.status, len(get.out), get.err)
		}
	}
	readOnly := []string{"--volume=" + dir + ":/run/fb:ro"}
	if r := run(t, put.out, readOnly, "get", "-"); r.status != 6 || !strings.Contains(r.err, "mount it for writing") {
		t.Errorf("mounted read-only: %+v", r)
	}
	if r := run(t, put.out, nil, "get", "-"); r.status != 4 || !strings.Contains(r.err, "not mounted here") {
		t.Errorf("without the directory: %+v", r)
	}
	if r := run(t, "", nil, "serve", "--size", "1MiB", "--backend", "file", "--dir", "/"); r.status != 1 || !strings.Contains(r.err, "is to be in memory") {
		t.Errorf("on the container's root: %+v", r)
	}
}

// Users whom the server lists get what is listed, the others nothing, whichever directory.
func TestListedUsers(t *testing.T) {
	for backend, mount := range map[string]func(*testing.T) (string, []string){"memfd": shared, "file": memory} {
		_, flags := mount(t)
		_, key := serve(t, flags, "--size", "1MiB", "--backend", backend, "--dir", "/run/fb", "--allow-uid", "1234", "--read-uid", "1235", "--allow-uid", "101000")
		as := func(user string) []string { return append(append([]string{}, flags...), "--user="+user) }
		put := run(t, backend, as("1234:1234"), "put", "-", "--key", key)
		if put.status != 0 {
			t.Errorf("%s, allowed to write: %+v", backend, put)
		}
		for _, user := range []string{"1234:1234", "1235:1235"} {
			if get := run(t, put.out, as(user), "get", "-"); get.out != backend {
				t.Errorf("%s, %s: %+v", backend, user, get)
			}
		}
		if r := run(t, backend, as("1235:1235"), "put", "-", "--key", key); r.status != 6 || !strings.Contains(r.err, "may only read") {
			t.Errorf("%s, allowed to read, writes: %+v", backend, r)
		}
		if r := run(t, put.out, as("1236:1236"), "get", "-"); r.status != 6 || !strings.Contains(r.err, "uid 1236") {
			t.Errorf("%s, not listed: %+v", backend, r)
		}
		// Root of another user namespace is whom the kernel says it is outside.
		rootOf := func(first string) []string {
			return append(append([]string{}, flags...), "--uidmap=0:"+first+":1000", "--gidmap=0:"+first+":1000")
		}
		put = run(t, "from there", rootOf("101000"), "put", "-", "--key", key)
		if get := run(t, put.out, rootOf("101000"), "get", "-"); put.status != 0 || get.out != "from there" {
			t.Errorf("%s, another user namespace: %+v, %+v", backend, put, get)
		}
		if r := run(t, put.out, rootOf("102000"), "get", "-"); r.status != 6 {
			t.Errorf("%s, another user namespace, not listed: %+v", backend, r)
		}
	}
}

// The memory is the server's container's, whoever's the directory is.
func TestFileMemoryLimit(t *testing.T) {
	_, flags := memory(t)
	r := run(t, "", append(flags, "--memory=32m"), "serve", "--size", "64MiB", "--backend", "file", "--dir", "/run/fb")
	if r.status != 5 || !strings.Contains(r.err, "available (/sys/fs/cgroup/") {
		t.Errorf("%+v", r)
	}
}
