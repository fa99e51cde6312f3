//go:build containers

package containers

import (
	"strings"
	"testing"
)

// Containers that have one volume in common, and nothing else, meet there by the server's name: no
// key is carried from one to the other. The memory is that of memfd, which none had to ask for.
func TestMeetInAVolume(t *testing.T) {
	dir, _ := shared(t)
	flags := []string{"--ipc=private", "--pid=private", "--volume=" + dir + ":/run/framebuffer"}
	content := bytesOf(4_000_000)
	early := start(t, "", flags, "sub", "cam") // before there is a server
	server, key := serve(t, flags, "--size", "16MiB")
	if !strings.Contains(key, "_memfd_") {
		t.Errorf("the key is %s", key)
	}
	pub := run(t, content, flags, "pub", "cam", "--wait", "1", "--frame-size", "100000")
	if r := early.end(t); pub.status != 0 || r.status != 0 || r.out != content {
		t.Errorf("pub %+v; sub: status %d, %d bytes, %s", pub, r.status, len(r.out), r.err)
	}
	reading := []string{"--ipc=private", "--pid=private", "--volume=" + dir + ":/run/framebuffer:ro"}
	put := run(t, content, flags, "put", "-")
	if get := run(t, put.out, reading, "get", "-"); put.status != 0 || get.status != 0 || get.out != content {
		t.Errorf("put %+v; get: status %d, %d bytes, %s", put, get.status, len(get.out), get.err)
	}
	if r := run(t, "", reading, "stat", "--interval", "0"); r.status != 0 || !strings.Contains(r.out, "16 MiB") {
		t.Errorf("stat: %+v", r)
	}
	// Containers of one network namespace, as those of a pod, need not even the volume.
	near := []string{"--ipc=private", "--pid=private", "--network=container:" + server}
	put = run(t, content, near, "put", "-")
	if get := run(t, put.out, near, "get", "-"); put.status != 0 || get.status != 0 || get.out != content {
		t.Errorf("in the network namespace: put %+v; get: status %d, %d bytes, %s", put, get.status, len(get.out), get.err)
	}
	if r := run(t, put.out, append(near, "--user=1234:1234"), "get", "-"); r.status != 6 || !strings.Contains(r.err, "does not let in uid 1234") {
		t.Errorf("another user in the network namespace: %+v", r)
	}
}

// A server in a container that has no directory to write to at all serves its network namespace.
func TestServeWithoutADirectory(t *testing.T) {
	server, key := serve(t, []string{"--ipc=private", "--read-only-tmpfs=false"}, "--size", "1MiB")
	near := []string{"--ipc=private", "--read-only-tmpfs=false", "--network=container:" + server}
	put := run(t, "frame", near, "put", "-", "--key", key)
	if get := run(t, put.out, near, "get", "-"); put.status != 0 || get.out != "frame" {
		t.Errorf("put %+v, get %+v", put, get)
	}
	if r := run(t, put.out, nil, "get", "-"); r.status != 4 {
		t.Errorf("in another network namespace: %+v", r)
	}
}
