package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
)

// An input that stops in the middle of a frame for as long as the ring lives costs that frame:
// the rest of it goes over nobody's frames, and the next frame begins behind it.
func TestPubOverASlowInput(t *testing.T) {
	const size = 300_000
	name, s, _ := serving(t, "--size", "1MiB")
	c, err := framebuffer.Attach(s.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	sub := start(t, nil, "sub", "cam", "--name", name)
	pub := start(t, read, "pub", "cam", "--name", name, "--frame-size", "300000", "--wait", "1")
	send := func(part []byte) {
		t.Helper()
		if _, err := write.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	lost, kept := bytes.Repeat([]byte("lost"), size/4), bytes.Repeat([]byte("kept"), size/4)
	send(lost[:size/3])
	for waiting(t, read) > 0 { // until it is in the ring
		time.Sleep(time.Millisecond)
	}
	whole := bytes.Repeat([]byte("whole"), 4_000)
	var others []framebuffer.Frame
	for range 121 { // more than two laps; the last of them lie where the rest of that frame would go
		f, err := c.Put(whole)
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, f)
	}
	send(lost[size/3:])
	send(kept)
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	if r := pub.end(t); r.status != exitOK || !strings.Contains(r.err, "1 lost (1 overwritten)") {
		t.Errorf("pub: %+v", r)
	}
	if r := sub.end(t); r.status != exitOK || r.out != string(kept) {
		t.Errorf("sub: status %d, %d bytes that begin with %.8q, %s", r.status, len(r.out), r.out, r.err)
	}
	// These are younger than a lap.
	spoilt := 0
	for _, f := range others[len(others)-30:] {
		if _, err := c.Get(f); err != nil {
			spoilt++
		}
	}
	if spoilt > 5 { // what a block of 64 KiB touches
		t.Errorf("%d frames of others were written over", spoilt)
	}
}

// waiting is how many bytes are in a pipe.
func waiting(t *testing.T, pipe *os.File) int {
	t.Helper()
	n, err := unix.IoctlGetInt(int(pipe.Fd()), unix.TIOCINQ) // FIONREAD
	if err != nil {
		t.Fatal(err)
	}
	return n
}
