package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// drained returns when pub has read all that was written for it.
func drained(t *testing.T, pipe *os.File) {
	t.Helper()
	for end := time.Now().Add(patience); waiting(t, pipe) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("pub does not read its input")
		}
	}
}

// The next server's ring may be larger or smaller than the last one's: a frame that fits it is
// published whole, and pub says of one that does not fit what would.
func TestPubToARingOfAnotherSize(t *testing.T) {
	t.Parallel()
	const large = 3 << 20
	for _, c := range []struct {
		first, next string
		size        int // of the one frame
		status      int
	}{
		{"1MiB", "8MiB", large, exitOK},
		{"8MiB", "1MiB", large, exitUsage},
		{"1MiB", "2MiB", large, exitUsage},
		{"1MiB", "2MiB", 1<<20 - 63, exitOK}, // the first one holds 1 byte less
	} {
		t.Run(fmt.Sprint(c.first, " ", c.next, " ", c.size), func(t *testing.T) {
			t.Parallel()
			pub, write, name := pubAcross(t, c.first, c.next, func(write *os.File, _ string) {
				if _, err := write.Write(bytes.Repeat([]byte{'a'}, 1<<19)); err != nil {
					t.Fatal(err)
				}
				drained(t, write)
			}, "--keep")
			if _, err := write.Write(bytes.Repeat([]byte{'b'}, c.size-1<<19)); err != nil && c.status == exitOK {
				t.Fatal(err)
			}
			if err := write.Close(); err != nil {
				t.Fatal(err)
			}
			if r := pub.end(t); r.status != c.status {
				t.Fatalf("%+v", r)
			}
			if c.status != exitOK {
				return
			}
			want := append(bytes.Repeat([]byte{'a'}, 1<<19), bytes.Repeat([]byte{'b'}, c.size-1<<19)...)
			got := runCommand(t, "", "sub", "cam", "--name", name, "--from", "oldest", "--count", "1", "--timeout", "10s")
			if got.status != exitOK || got.out != string(want) {
				t.Errorf("sub: %d, %d bytes, %s", got.status, len(got.out), got.err)
			}
		})
	}
}

// pubAcross has pub read what begin writes while a first server runs, and returns when it has found
// the next.
func pubAcross(t *testing.T, first, next string, begin func(write *os.File, name string), args ...string) (pub *spoken, write *os.File, name string) {
	t.Helper()
	name = ofTests()
	_, server := servingAs(t, name, "--size", first)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = write.Close() })
	pub = speaking(t, read, append([]string{"pub", "cam", "--name", name}, args...)...)
	_ = read.Close()
	begin(write, name)
	ends(t, server, syscall.SIGKILL)
	pub.err.await(t, "waiting")
	servingAs(t, name, "--size", next)
	pub.err.await(t, "is back")
	return pub, write, name
}

// Of JPEGs those are lost that the present ring does not hold, alone.
func TestPubPicturesToARingOfAnotherSize(t *testing.T) {
	t.Parallel()
	small, big := jpegOf(t, 64, 64), jpegOf(t, 1200, 1200)
	if len(small) > 64<<10-1024 || len(big) < 128<<10 || len(big) > 1<<20 {
		t.Fatalf("%d and %d bytes", len(small), len(big))
	}
	for _, c := range []struct {
		first, next string
		status      int
		want        []byte
	}{
		{"64KiB", "1MiB", exitOK, slices.Concat(big, small)},
		{"1MiB", "64KiB", exitUsage, small},
	} {
		t.Run(c.first+" "+c.next, func(t *testing.T) {
			t.Parallel()
			pub, write, name := pubAcross(t, c.first, c.next, func(write *os.File, name string) {
				if _, err := write.Write(small); err != nil {
					t.Fatal(err)
				}
				r := runCommand(t, "", "sub", "cam", "--name", name, "--from", "oldest", "--count", "1", "--timeout", "10s")
				if r.status != exitOK {
					t.Fatalf("%+v", r)
				}
			}, "--mjpeg", "--keep")
			if _, err := write.Write(slices.Concat(big, small)); err != nil {
				t.Fatal(err)
			}
			if err := write.Close(); err != nil {
				t.Fatal(err)
			}
			r := pub.end(t)
			got := runCommand(t, "", "sub", "cam", "--name", name, "--from", "oldest", "--timeout", "1s")
			if r.status != c.status || got.out != string(c.want) {
				t.Errorf("%+v; sub: %d bytes of %d, %s", r, len(got.out), len(c.want), got.err)
			}
		})
	}
}
