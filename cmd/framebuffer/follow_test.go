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

	"github.com/core-framebuffer/framebuffer/monitor"
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

// A command that is not to follow, or was given a key, ends with the server: status 4 and one line.
func TestNoFollow(t *testing.T) {
	t.Parallel()
	for _, by := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			name, s, server := serving(t, "--size", "1MiB", "--jetstream", filepath.Join(t.TempDir(), "streams"))
			nothing, hold, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer nothing.Close()
			defer hold.Close()
			all := []*spoken{
				speaking(t, nil, "stat", "--watch", "--interval", "50ms", "--name", name, "--no-follow"),
				speaking(t, nil, "web", "--name", name, "--no-follow"),
				speaking(t, nil, "record", "cam", "--name", name, "--no-follow"), speaking(t, nil, "mirror", "other", "--name", name, "--no-follow"),
			}
			for _, how := range [][]string{{"--name", name, "--no-follow"}, {"--key", s.Key}} {
				all = append(all,
					speaking(t, nil, append([]string{"sub", "cam"}, how...)...),
					speaking(t, nothing, append([]string{"pub", "cam"}, how...)...),
					speaking(t, nothing, append([]string{"pub", "none", "--wait", "1"}, how...)...))
			}
			all[0].out.await(t, "ring")
			all[1].out.await(t, "http")
			awaitClients(t, s.Key, len(all)-2)       // these have no slot
			await(t, name, "framebuffer record cam") // it has begun
			ends(t, server, by)
			for _, one := range all {
				r := one.end(t)
				if lines := strings.Split(strings.TrimSpace(unhurried(r.err)), "\n"); r.status != exitNoServer ||
					len(lines) != 1+strings.Count(r.err, "bytes, ") || strings.Contains(r.err, "is back") {
					t.Errorf("%v: %+v", one.Args[1:], r)
				}
			}
		})
	}
}

// awaitClients returns when so many commands are attached to stay.
func awaitClients(t testing.TB, key string, n int) {
	t.Helper()
	m, err := monitor.Attach(key)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		s, err := m.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		there := 0
		for _, c := range s.Clients {
			if c.Role == "client" && strings.Contains(c.Name, " ") && c.Name != "framebuffer command" {
				there++ // others only ask something
			}
		}
		if there >= n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d clients", there, n)
		}
	}
}

// record goes on with the next server and its JetStream, and what was published to either, and
// was there to be stored, is in the recording.
func TestRecordFollows(t *testing.T) {
	t.Parallel()
	for _, by := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			name := ofTests()
			flags := []string{"--size", "1MiB", "--jetstream", filepath.Join(t.TempDir(), "streams")}
			_, server := servingAs(t, name, flags...)
			record := speaking(t, nil, "--json", "record", "cam", "--name", name)
			await(t, name, `framebuffer record cam`)
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer write.Close()
			pub := speaking(t, read, "pub", "cam", "--frame-size", "1000", "--name", name)
			_ = read.Close()
			feed(t, write, 'a')
			stored := func(frames string) {
				t.Helper()
				for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
					r := runHere(t, "", "--json", "recordings", "--name", name)
					if strings.Contains(r.out, `"frames":`+frames) {
						return
					}
					if time.Now().After(end) {
						t.Fatalf("not %s frames: %+v", frames, r)
					}
				}
			}
			stored("1")
			ends(t, server, by)
			record.err.await(t, "waiting")
			pub.err.await(t, "waiting")
			servingAs(t, name, flags...)
			pub.err.await(t, "is back")
			feed(t, write, 'b')
			record.err.await(t, "is back")
			feed(t, write, 'c')
			if err := write.Close(); err != nil {
				t.Fatal(err)
			}
			if r := pub.end(t); r.status != exitOK {
				t.Errorf("pub: %+v", r)
			}
			r := record.end(t)
			if r.status != exitOK || !strings.Contains(r.out, `"frames":3,"bytes":3000,"lost":0`) {
				t.Errorf("record: %+v", r)
			}
			stored("3")
			sub := speaking(t, nil, "sub", "again", "--name", name)
			await(t, name, `framebuffer sub again`)
			if r := runCommand(t, "", "replay", "cam", "--topic", "again", "--speed", "max", "--name", name); r.status != exitOK {
				t.Errorf("replay: %+v", r)
			}
			if r := sub.end(t); r.out != strings.Repeat("a", 1000)+strings.Repeat("b", 1000)+strings.Repeat("c", 1000) {
				t.Errorf("what was recorded: status %d, %d bytes, %s", r.status, len(r.out), r.err)
			}
		})
	}
}

// mirror goes on with the next server of its host, and sub there with it.
func TestMirrorFollows(t *testing.T) {
	a, b, enter, nats, server := twoHostsAt(t)
	mirror := speaking(t, nil, "mirror", "cam", "--from", "ha", "--name", b)
	sub := speaking(t, nil, "sub", "cam", "--name", b)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	pub := enter("pub", "cam", "--name", a, "--frame-size", "1000", "--wait", "1", "--keep")
	pub.Stdin = read
	if err := pub.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pub.Process.Kill(); _ = pub.Wait() }()
	_ = read.Close()
	feed(t, write, 'a')
	sub.out.await(t, "a")
	ends(t, server, syscall.SIGKILL)
	mirror.err.await(t, "waiting")
	sub.err.await(t, "waiting")
	servingAs(t, b, "--size", "8MiB", "--host", "hb", "--nats", nats)
	mirror.err.await(t, "is back")
	for letter := byte('b'); !strings.Contains(sub.out.String()[1000:], "z"); letter++ {
		feed(t, write, min(letter, 'z')) // the mirror begins with what comes next, whenever that is
		time.Sleep(50 * time.Millisecond)
	}
	mirror.signal(t, syscall.SIGTERM)
	if r := mirror.end(t); r.status != exitOK {
		t.Errorf("mirror: %+v", r)
	}
	sub.signal(t, syscall.SIGTERM)
	if r := sub.end(t); r.status != exitOK || strings.Count(r.err, "is back") != 1 {
		t.Errorf("sub: status %d, %s", r.status, r.err)
	}
}
