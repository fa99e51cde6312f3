package main

import (
	"fmt"
	"strings"
	"testing"
)

// A frame that is nearly as large as the ring arrives, or pub says what would.
func TestPubFramesAsLargeAsTheRing(t *testing.T) {
	const ring = 1 << 20
	name, _, _ := serving(t, "--size", "1MiB")
	for _, c := range []struct {
		args   []string
		beside int // what of the ring is not the frame's own bytes
		whole  bool
	}{
		{nil, 64, false},
		{[]string{"--content-type", "text/plain"}, 384, false},
		{nil, 64, true},
		{[]string{"--content-type", "text/plain"}, 384, true},
	} {
		for _, size := range []int{ring - 1024, ring - c.beside - 1, ring - c.beside, ring - c.beside + 1, ring - 64, ring - 63, ring} {
			args := append([]string{"pub", "t", "--name", name, "--keep"}, c.args...)
			if !c.whole {
				args = append(args, "--frame-size", fmt.Sprint(size))
			}
			frame := strings.Repeat("x", size)
			r := runHere(t, frame, args...)
			if size > ring-c.beside {
				if r.status != exitUsage || !strings.Contains(r.err, fmt.Sprint("at most ", ring-c.beside)) {
					t.Errorf("%v, %d bytes: %+v", args, size, r)
				}
				continue
			}
			got := runHere(t, "", "sub", "t", "--name", name, "--from", "newest", "--count", "1", "--timeout", "10s")
			if r.status != exitOK || got.status != exitOK || got.out != frame {
				t.Errorf("%v, %d bytes: %+v; sub: %d, %d bytes, %s", args, size, r, got.status, len(got.out), got.err)
			}
		}
	}
}
