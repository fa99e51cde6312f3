package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ofTests is a name of a server that no other test uses.
func ofTests() string { return "test-" + strconv.FormatInt(time.Now().UnixNano(), 36) }

// ends ends a server by a signal.
func ends(t testing.TB, server *exec.Cmd, by syscall.Signal) {
	t.Helper()
	if err := server.Process.Signal(by); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil && by != syscall.SIGKILL {
		t.Error(err)
	}
}

// feed writes frames of 1000 bytes, all of them that letter.
func feed(t testing.TB, to *os.File, letter byte) {
	t.Helper()
	if _, err := to.Write(bytes.Repeat([]byte{letter}, 1000)); err != nil {
		t.Fatal(err)
	}
}

// Whichever way a server ends, what found it by its name or its key file goes on with the next
// one: sub gets all that was published in the old ring, and the new one's frames from the first;
// pub reads on, and counts what came in between.
func TestFollow(t *testing.T) {
	t.Parallel()
	for _, by := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		for _, how := range []string{"name", "key-file"} {
			t.Run(fmt.Sprint(by, " by ", how), func(t *testing.T) {
				t.Parallel()
				follows(t, by, how)
			})
		}
	}
}

func follows(t *testing.T, by syscall.Signal, how string) {
	t.Helper()
	name := ofTests()
	at := []string{"--name", name}
	serve := []string{"--size", "1MiB"}
	who := "the server \"" + name + "\""
	if how == "key-file" {
		file := filepath.Join(t.TempDir(), "key")
		at = []string{"--key-file", file}
		serve = append(serve, at...)
		who = "the server that writes its key to " + file
	}
	_, server := servingAs(t, name, serve...)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	sub := speaking(t, nil, append([]string{"sub", "cam"}, at...)...)
	member := speaking(t, nil, append([]string{"sub", "cam", "--group", "g", "--json"}, at...)...)
	pub := speaking(t, read, append([]string{"pub", "cam", "--frame-size", "1000", "--wait", "2"}, at...)...)
	_ = read.Close()
	feed(t, write, 'a')
	feed(t, write, 'b')
	sub.out.await(t, "b")
	member.out.await(t, `"sequence":1`)

	ends(t, server, by)
	for _, one := range []*spoken{sub, member, pub} {
		one.err.await(t, "waiting")
	}
	for _, letter := range []byte("lost") {
		feed(t, write, letter)
	}
	// Half a frame, so that pub has read the others when it has taken that.
	if _, err := write.Write(bytes.Repeat([]byte{'h'}, 500)); err != nil {
		t.Fatal(err)
	}
	for waiting(t, write) > 0 {
		time.Sleep(time.Millisecond)
	}
	servingAs(t, name, serve...)
	for _, one := range []*spoken{sub, member, pub} {
		one.err.await(t, "is back")
	}
	if _, err := write.Write(bytes.Repeat([]byte{'h'}, 500)); err != nil {
		t.Fatal(err)
	}
	feed(t, write, 'c')
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	r := pub.end(t)
	if r.status != exitOK || !strings.Contains(r.err, who) || !strings.Contains(r.err, "unserved") || strings.Contains(r.err, "overwritten") {
		t.Errorf("pub: %+v", r)
	}
	got := sub.end(t)
	kept := strings.ReplaceAll(got.out, strings.Repeat("h", 1000), "") // half of it came when the server was there
	want := strings.Repeat("a", 1000) + strings.Repeat("b", 1000) + strings.Repeat("c", 1000)
	said := "framebuffer: waiting for " + who + "\nframebuffer: " + who + " is back\n"
	if got.status != exitOK || kept != want || got.err != said {
		t.Errorf("sub: status %d, %d bytes, %s", got.status, len(got.out), got.err)
	}
	if m := member.end(t); m.status != exitOK || !strings.Contains(m.out, `"ring":1`) || strings.Contains(m.out, `"lost":`) {
		t.Errorf("sub of a group: %+v", m)
	}
}
