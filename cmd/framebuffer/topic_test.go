package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

// A video that ffmpeg made goes through pub and sub, and ffmpeg's hash of each frame is the
// same on both sides.
func TestVideoThroughPubAndSub(t *testing.T) {
	name, s, _ := serving(t, "--size", "128MiB")
	c, err := framebuffer.Attach(s.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	clip := []string{"-f", "lavfi", "-i", "testsrc=size=320x240:rate=10:duration=3"}
	for _, pixels := range []string{"rgb24", "yuv420p", "gray16le"} {
		video := ffmpeg(t, nil, append(clip, "-pix_fmt", pixels, "-f", "rawvideo", "-")...)
		hashes := func(raw io.Reader) []byte {
			return ffmpeg(t, raw, "-f", "rawvideo", "-pixel_format", pixels, "-video_size", "320x240", "-framerate", "10", "-i", "-", "-f", "framemd5", "-")
		}
		sub := start(t, nil, "sub", pixels, "--name", name)
		pub := runCommand(t, string(video), "pub", pixels, "--name", name, "--wait", "1", "--video", "320x240:"+pixels)
		got := sub.end(t)
		if pub.status != 0 || got.status != 0 || unhurried(pub.err) != totalled("pub", pixels, 30, len(video)) || unhurried(got.err) != "" {
			t.Errorf("%s: pub %d %s, sub %d %s", pixels, pub.status, pub.err, got.status, got.err)
		}
		want := hashes(bytes.NewReader(video))
		if lines := bytes.Count(want, []byte("\n0,")); lines != 30 {
			t.Errorf("%s: %d frames hashed", pixels, lines)
		}
		if !bytes.Equal(hashes(strings.NewReader(got.out)), want) {
			t.Errorf("%s: other frames came out than went in", pixels)
		}
	}
	// JPEGs are as large as they like; what comes out is the stream.
	stream := ffmpeg(t, nil, append(clip, "-f", "mjpeg", "-")...)
	sub := start(t, nil, "sub", "jpeg", "--name", name, "--json")
	pub := runCommand(t, "--boundary\r\n"+string(stream), "pub", "jpeg", "--name", name, "--wait", "1", "--mjpeg", "--rate", "500")
	got := sub.end(t)
	if pub.status != 0 || got.status != 0 || unhurried(pub.err) != totalled("pub", "jpeg", 30, len(stream)) || unhurried(got.err) != "" {
		t.Errorf("mjpeg: %+v, %+v", pub, got)
	}
	var out strings.Builder
	for line := range strings.Lines(got.out) {
		var m topic.Message
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.Meta.Width != 320 || m.Meta.Height != 240 || m.Meta.ContentType != "image/jpeg" {
			t.Fatalf("%s: %+v, %v", line, m, err)
		}
		picture, err := c.Get(m.Frame)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(picture)
	}
	if out.String() != string(stream) {
		t.Errorf("mjpeg: %d bytes came out, %d went in", out.Len(), len(stream))
	}
}

// Two of a group get each frame once; what is still there can be read by those who come late,
// and sub and pub can be run again.
func TestGroupsLateAndAgain(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB")
	var input strings.Builder
	for i := range 50 {
		input.WriteString(strings.Repeat(string(rune('0'+i)), 100) + "\n")
	}
	for _, topic := range []string{"x", "x"} {
		args := []string{"sub", topic, "--name", name, "--group", "g"}
		a, b := start(t, nil, args...), start(t, nil, args...)
		if r := runCommand(t, input.String(), "pub", topic, "--name", name, "--frame-size", "101", "--wait", "2"); r.status != 0 {
			t.Fatalf("%+v", r)
		}
		ra, rb := a.end(t), b.end(t)
		got := strings.Split(ra.out+rb.out, "\n")
		unique := map[string]bool{}
		for _, line := range got[:len(got)-1] {
			unique[line] = strings.Contains(input.String(), line+"\n")
		}
		if len(got) != 51 || len(unique) != 50 || ra.status != 0 || rb.status != 0 {
			t.Errorf("%d frames, %d different; %d %s, %d %s", len(got)-1, len(unique), ra.status, ra.err, rb.status, rb.err)
		}
	}
	if r := runCommand(t, "", "sub", "x", "--name", name, "--from", "oldest"); r.out != input.String()+input.String() || r.status != 0 {
		t.Errorf("from oldest: %d bytes of %d, %s", len(r.out), 2*input.Len(), r.err)
	}
	if r := runCommand(t, "", "sub", "x", "--name", name, "--from", "newest", "--count", "1"); r.out != input.String()[49*101:] {
		t.Errorf("from newest: %+v", r)
	}
	if r := runCommand(t, "hello", "pub", "y\x1b", "--name", name); r.status != exitUsage {
		t.Errorf("a name to spoil terminals: %+v", r)
	}
	if r := runCommand(t, "hello", "pub", "why", "--name", name, "--keep", "--content-type", "text/plain"); r.status != 0 {
		t.Errorf("%+v", r)
	}
	r := runCommand(t, "", "topics", "--name", name)
	if want := "TOPIC      FRAMES  BYTES  READER   RECEIVED  LAG  LOST\nwhy        1       5 B\nx (ended)  100     10 kB\n                          group g            0\n"; r.out != want {
		t.Errorf("got\n%swant\n%s", r.out, want)
	}
	var info monitor.Topic
	first, _, _ := strings.Cut(runCommand(t, "", "topics", "--name", name, "--json").out, "\n")
	if err := json.Unmarshal([]byte(first), &info); err != nil || info.Name != "why" || info.Published != 1 || info.Ended {
		t.Errorf("%s: %+v, %v", first, info, err)
	}
}

func TestPubSubStatuses(t *testing.T) {
	name, _, _ := serving(t, "--size", "64KiB")
	for what, c := range map[string]struct {
		args   []string
		stdin  string
		status int
		says   string
	}{
		"no geometry":       {[]string{"pub", "t", "--video", "1920x1080"}, "", exitUsage, "1920x1080:rgb24"},
		"unknown format":    {[]string{"pub", "t", "--video", "9x9:rgb"}, "", exitUsage, "rgb24"},
		"two kinds":         {[]string{"pub", "t", "--video", "9x9:rgb24", "--mjpeg"}, "", exitUsage, "mjpeg"},
		"too large":         {[]string{"pub", "t", "--frame-size", "1MiB"}, "", exitUsage, "65472"},
		"whole too large":   {[]string{"pub", "t"}, strings.Repeat("x", 1<<17), exitUsage, "65472"},
		"nothing":           {[]string{"pub", "t"}, "", exitUsage, "0 bytes"},
		"no frames":         {[]string{"pub", "t", "--frame-size", "4"}, "", exitOK, ""},
		"frames of no size": {[]string{"pub", "t", "--frame-size", "0"}, "x", exitUsage, "at least 1"},
		"half a frame":      {[]string{"pub", "t", "--frame-size", "4"}, "123456", exitUsage, "2 bytes left over"},
		"a cut picture":     {[]string{"pub", "t", "--mjpeg"}, "\xff\xd8\xff\xe0\x00", exitUsage, "without a whole picture"},
		"negative rate":     {[]string{"pub", "t", "--rate=-1"}, "", exitUsage, "negative"},
		"long name":         {[]string{"pub", strings.Repeat("t", 500)}, "", exitUsage, "topic"},
		"long type":         {[]string{"pub", "t", "--content-type", strings.Repeat("t", 500)}, "x", exitUsage, "content type"},
		"nobody publishes":  {[]string{"sub", "nobody", "--timeout", "10ms"}, "", exitTimeout, "nobody"},
		"lost":              {[]string{"sub", "lost", "--from", "oldest", "--strict", "--timeout", "10s"}, "", exitTimeout, "lost"},
		"odd start":         {[]string{"sub", "t", "--from", "middle"}, "", exitUsage, "oldest"},
		"no server":         {[]string{"sub", "t", "--key", "garbage"}, "", exitUsage, "not a key"},
		"negative timeout":  {[]string{"sub", "t", "--timeout=-1s"}, "", exitUsage, "negative"},
	} {
		if c.args[1] == "lost" { // more than the ring holds, before anybody reads
			runHere(t, strings.Repeat("x", 1<<20), "pub", "lost", "--name", name, "--frame-size", "16KiB", "--keep")
		}
		if what != "no server" {
			c.args = append(c.args, "--name", name)
		}
		r := runHere(t, c.stdin, c.args...)
		if r.status != c.status || !strings.Contains(r.err, c.says) || r.out != "" && c.status != exitTimeout {
			t.Errorf("%s: status %d, want %d; stderr %q, want %q; stdout %.99q", what, r.status, c.status, r.err, c.says, r.out)
		}
	}
}

// Whatever ends them, both leave at once, in order, and with the right word.
func TestPubSubEnd(t *testing.T) {
	name, s, server := serving(t, "--size", "8MiB")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	defer read.Close()
	pubArgs := []string{"pub", "x", "--name", name, "--frame-size", "1000"}
	frame := bytes.Repeat([]byte("x"), 1500)

	// A signal ends pub, whose input goes on, and the topic, and so sub.
	sub := start(t, nil, "sub", "x", "--name", name)
	pub := start(t, read, append(pubArgs, "--wait", "1")...)
	if _, err := write.Write(frame[:1500]); err != nil {
		t.Fatal(err)
	}
	await(t, name, `"x","published":1`)
	signalled(t, pub, syscall.SIGTERM, exitOK, totalled("pub", "x", 1, 1000))
	if r := sub.end(t); r.status != exitOK || r.out != string(frame[:1000]) {
		t.Errorf("sub, after the topic was ended: %+v", r)
	}
	// Another publisher's end is no end of the input.
	left := start(t, read, append(pubArgs, "--keep")...)
	if _, err := write.Write(frame[:1000]); err != nil {
		t.Fatal(err)
	}
	await(t, name, `"x","published":2`)
	if r := runCommand(t, "", pubArgs...); r.status != exitOK {
		t.Errorf("the other publisher: %+v", r)
	}
	if _, err := write.Write(frame[:1000]); err != nil {
		t.Fatal(err)
	}
	if r := left.end(t); r.status != exitFailed || !strings.Contains(r.err, "--keep") {
		t.Errorf("pub, after another's end: %+v", r)
	}
	// A signal ends sub, that waits.
	sub = start(t, nil, "sub", "y", "--name", name)
	await(t, name, `"pid":`)
	signalled(t, sub, os.Interrupt, exitOK, "")

	// A reader that goes away ends sub, and one that does not read does not keep it.
	for what, closeIt := range map[string]bool{"closed": true, "stuck": false} {
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		sub := command("sub", "z", "--name", name, "--from", "oldest")
		var complaint bytes.Buffer
		sub.Stdout, sub.Stderr = in, &complaint
		if err := sub.Start(); err != nil {
			t.Fatal(err)
		}
		_ = in.Close()
		feed, feeding := io.Pipe()
		pub := start(t, feed, "pub", "z", "--name", name, "--frame-size", "100000", "--keep")
		one := bytes.Repeat([]byte(what), 100000)[:100000]
		if _, err := feeding.Write(one); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 1000)); err != nil { // it has begun to write
			t.Fatal(err)
		}
		if closeIt {
			_ = out.Close()
			_, _ = feeding.Write(one) // somebody has to notice
		} else {
			for range 30 { // more than any pipe holds, and less than the ring
				_, _ = feeding.Write(one)
			}
			for !full(t, out) {
				time.Sleep(time.Millisecond)
			}
			_ = sub.Process.Signal(os.Interrupt)
		}
		err = sub.Wait()
		if code := sub.ProcessState.ExitCode(); closeIt && code != exitOK || !closeIt && (code != exitFailed || !strings.Contains(complaint.String(), "is not read")) {
			t.Errorf("sub, whose reader is %s: %d, %v, %s", what, code, err, &complaint)
		}
		_ = feeding.Close()
		if r := pub.end(t); r.status != exitOK {
			t.Errorf("pub: %+v", r)
		}
	}

	// A server that ends ends both, if they are not to follow the next one.
	sub = start(t, nil, "sub", "x", "--name", name, "--no-follow")
	pub = start(t, read, append(pubArgs, "--wait", "1", "--no-follow")...)
	if _, err := write.Write(frame[:1000]); err != nil {
		t.Fatal(err)
	}
	await(t, name, `"x","published":3`)
	waiting := start(t, nil, "pub", "no subscriber", "--wait", "1", "--key", s.Key)
	await(t, name, `"no subscriber"`)
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
	if r := sub.end(t); r.status != exitNoServer || !strings.Contains(r.err, "closed") {
		t.Errorf("sub, after its server: %+v", r)
	}
	if r := pub.end(t); r.status != exitNoServer || !strings.Contains(r.err, "closed") {
		t.Errorf("pub, after its server: %+v", r)
	}
	if r := waiting.end(t); r.status != exitNoServer || !strings.Contains(r.err, "closed") {
		t.Errorf("pub, waiting for subscriptions, after its server: %+v", r)
	}
}

// full reports whether nothing more goes into a pipe: but for a part of its last page.
func full(t *testing.T, pipe *os.File) bool {
	t.Helper()
	size, err := unix.FcntlInt(pipe.Fd(), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		t.Fatal(err)
	}
	return waiting(t, pipe) > size-2*os.Getpagesize()
}

// A publisher that was held up does not catch up in a burst.
func TestRateIsEven(t *testing.T) {
	l, at := limiter(10), time.Now()
	if !l.AllowN(at, 1) || l.AllowN(at, 1) {
		t.Error("not one at once")
	}
	if at = at.Add(time.Minute); !l.AllowN(at, 1) || l.AllowN(at.Add(50*time.Millisecond), 1) || !l.AllowN(at.Add(100*time.Millisecond), 1) {
		t.Error("after a minute not one, and one 100 ms later")
	}
	if !limiter(0).AllowN(at, 1_000_000) {
		t.Error("without a rate there is a limit")
	}
}
