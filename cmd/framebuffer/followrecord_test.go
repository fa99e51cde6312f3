package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

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
