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
			var served, flags []string
			args := []string{"--size", "1MiB", "--topic-depth", "2", "--backend", backend}
			switch backend {
			case "sysv":
				served = []string{"--ipc=shareable"}
			case "memfd":
				_, flags = shared(t)
			case "file":
				_, flags = memory(t)
			}
			if backend != "sysv" {
				served, args = flags, append(args, "--dir", "/run/fb")
			}
			server, key := serve(t, served, args...)
			if backend == "sysv" {
				flags = []string{"--ipc=container:" + server}
			}
			sub := start(t, "", flags, "sub", "cam", "--key", key)
			pub := run(t, bytesOf(frames*size), flags, "pub", "cam", "--key", key, "--wait", "1", "--frame-size", "1000", "--rate", "50")
			r := sub.end(t)
			if got := len(r.out) / size; pub.status != 0 || r.status != 0 || got < few {
				t.Errorf("%d of %d frames; pub %+v; sub: status %d, %s", got, frames, pub, r.status, r.err)
			}
		})
	}
}
