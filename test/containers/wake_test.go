//go:build containers

package containers

import "testing"

// A subscriber in another container is woken for each frame, with every backend. One who only
// looked every 200 ms, as sleepers do if nobody wakes them, would find two of ten frames in a
// topic that remembers two.
func TestWakeUpsAcrossContainers(t *testing.T) {
	const frames, size, few = 100, 1000, 40
	for _, backend := range []string{"sysv", "memfd", "file"} {
		t.Run(backend, func(t *testing.T) {
			served, args, joined := apart(t, backend)
			server, key := serve(t, served, append(args, "--size", "1MiB", "--topic-depth", "2")...)
			flags := joined(server)
			sub := start(t, "", flags, "sub", "cam", "--key", key)
			pub := run(t, bytesOf(frames*size), flags, "pub", "cam", "--key", key, "--wait", "1", "--frame-size", "1000", "--rate", "50")
			r := sub.end(t)
			if got := len(r.out) / size; pub.status != 0 || r.status != 0 || got < few {
				t.Errorf("%d of %d frames; pub %+v; sub: status %d, %s", got, frames, pub, r.status, r.err)
			}
		})
	}
}

// apart is how containers share a backend's memory and no more than they must: the flags and
// arguments of a server, and the flags of containers that attach to it.
func apart(t *testing.T, backend string) (served, args []string, joined func(server string) []string) {
	t.Helper()
	args = []string{"--backend", backend}
	var flags []string
	switch backend {
	case "sysv":
		return []string{"--ipc=shareable"}, args, func(server string) []string { return []string{"--ipc=container:" + server} }
	case "memfd":
		_, flags = shared(t)
	case "file":
		_, flags = memory(t)
	}
	return flags, append(args, "--dir", "/run/fb"), func(string) []string { return flags }
}
