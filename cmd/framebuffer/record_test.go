package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/record"
)

// recordedPictures are frames of 100,000 bytes, all different.
func recordedPictures(count int) string {
	var b strings.Builder
	for i := range count {
		b.WriteString(strings.Repeat(string(rune('A'+i%26))+string(rune('a'+i/26)), 50_000))
	}
	return b.String()
}

// What is published while it is recorded is published again by a replay, as processes do it, and
// after the server was started anew.
func TestRecordReplay(t *testing.T) {
	const frames = 40
	dir := t.TempDir() + "/streams"
	name, _, server := serving(t, "--size", "16MiB", "--jetstream", dir)
	// --bucket is the name of --recording in earlier releases.
	pictures := recordedPictures(frames)
	recorder := command("--json", "record", "cam", "--bucket", "cam-monday", "--max-age", "24h", "--max-bytes", "1GiB", "--name", name)
	var said, complaints bytes.Buffer
	recorder.Stdout, recorder.Stderr = &said, &complaints
	if err := recorder.Start(); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, pictures, "pub", "cam", "--frame-size", "100000", "--wait", "1", "--name", name); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	if err := recorder.Wait(); err != nil {
		t.Fatalf("%v: %s", err, complaints.String())
	}
	var rec record.RecorderStats
	if err := json.Unmarshal(said.Bytes(), &rec); err != nil || rec.Frames != frames || rec.Lost != 0 || rec.Recording != "cam-monday" {
		t.Errorf("%s, %v", said.String(), err)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Fatal(err)
	}

	name, _, _ = serving(t, "--size", "16MiB", "--jetstream", dir)
	r := runCommand(t, "", "recordings", "--name", name)
	for _, want := range []string{"NAME", "cam-monday", " cam ", " 40 ", "3.8 MiB", "24h0m0s, 1.0 GiB"} {
		if r.status != exitOK || !strings.Contains(r.out, want) {
			t.Errorf("no %q in %+v", want, r)
		}
	}
	sub := command("sub", "again", "--name", name)
	var got bytes.Buffer
	sub.Stdout, sub.Stderr = &got, os.Stderr
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	subscribed(t, name, "again")
	r = runCommand(t, "", "--json", "replay", "cam-monday", "--topic", "again", "--name", name)
	var rep record.PlayerStats
	if err := json.Unmarshal([]byte(r.out), &rep); err != nil || r.status != exitOK || rep.Frames != frames || rep.Damaged+rep.Incomplete+rep.Refused != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := sub.Wait(); err != nil {
		t.Fatal(err)
	}
	if got.String() != pictures {
		t.Errorf("%d bytes came back of %d", got.Len(), len(pictures))
	}

	for what, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"nothing of that time":  {[]string{"replay", "cam-monday", "--from", "2000-01-01", "--to", "2000-01-02T00:00:01Z"}, exitTimeout, "no whole frame"},
		"after its end":         {[]string{"replay", "cam-monday", "--from", "1h"}, exitTimeout, "no whole frame"},
		"its end":               {[]string{"replay", "cam-monday", "--from=-1h", "--to", "1h", "--speed", "max"}, exitOK, ""},
		"no time":               {[]string{"replay", "cam-monday", "--from", "tea time"}, exitUsage, "08:00"},
		"no speed":              {[]string{"replay", "cam-monday", "--speed", "0"}, exitUsage, "max"},
		"no recording":          {[]string{"replay", "cam-tuesday"}, exitUsage, "framebuffer recordings"},
		"no name":               {[]string{"record", "cam", "--recording", "cam\x1b"}, exitUsage, "control character"},
		"other topic":           {[]string{"record", "mic", "--bucket", "cam-monday"}, exitUsage, "--delete"},
		"delete what is not":    {[]string{"recordings", "--delete", "cam-tuesday"}, exitUsage, "cam-tuesday"},
		"on a NATS of your own": {[]string{"serve", "--nats", "nats://127.0.0.1:1", "--jetstream", dir}, exitUsage, "--jetstream"},
	} {
		args := c.args
		if args[0] != "serve" {
			args = append(args, "--name", name)
		}
		if r := runHere(t, "", args...); r.status != c.status || !strings.Contains(r.err, c.says) {
			t.Errorf("%s: %+v, want %d and %q", what, r, c.status, c.says)
		}
	}
	if r := runCommand(t, "live", "pub", "cam-monday", "--keep", "--name", name); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runHere(t, "", "replay", "cam-monday", "--name", name); r.status != exitUsage || !strings.Contains(r.err, "--topic") {
		t.Errorf("into a live topic: %+v", r)
	}
	if r := runHere(t, "", "recordings", "--delete", "nosuch", "--delete", "cam-monday", "--name", name); r.status != exitUsage || !strings.Contains(r.err, `"nosuch"`) || !strings.Contains(r.err, "deleted the recording cam-monday\n") {
		t.Errorf("%+v", r)
	}
	if r := runHere(t, "", "--json", "recordings", "--name", name); r.status != exitOK || r.out != "" {
		t.Errorf("%+v", r)
	}
}

// subscribed waits until somebody subscribes to the topic.
func subscribed(t *testing.T, name, topic string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		r := runHere(t, "", "--json", "topics", "--name", name)
		if strings.Contains(r.out, `"`+topic+`"`) && strings.Contains(r.out, `"pid"`) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", r)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// What a recording begins with is the first frame that there ever was in the topic that it is published to: a
// subscriber that waited for it has lost nothing.
func TestReplayBeginsLater(t *testing.T) {
	name, _, _ := serving(t, "--size", "4MiB", "--jetstream", t.TempDir())
	if r := runCommand(t, strings.Repeat("x", 887)+"y", "pub", "cam", "--frame-size", "1", "--keep", "--name", name); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, "", "record", "cam", "--from", "newest", "--duration", "100ms", "--name", name); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	alone := start(t, nil, "--json", "sub", "new", "--strict", "--name", name)
	group := start(t, nil, "--json", "sub", "new", "--strict", "--group", "g", "--name", name)
	awaitSubscribers(t, name, "new", 2)
	if r := runCommand(t, "", "replay", "cam", "--topic", "new", "--name", name); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	for _, sub := range []*running{alone, group} {
		if r := sub.end(t); r.status != exitOK || !strings.Contains(r.out, `"sequence":887,`) || unhurried(r.err) != "" {
			t.Errorf("%+v", r)
		}
	}
	if r := runHere(t, "", "--json", "topics", "--name", name); !strings.Contains(r.out, `"name":"new","published":1,`) {
		t.Errorf("%+v", r)
	}
}

// awaitSubscribers waits until so many subscribe to the topic.
func awaitSubscribers(t *testing.T, name, topic string, count int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		r := runHere(t, "", "--json", "topics", "--name", name)
		for line := range strings.Lines(r.out) {
			if strings.Contains(line, `"`+topic+`"`) && strings.Count(line, `"pid"`) == count {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", r)
		}
	}
}

// A recording that lacks frames, or has none, is an error that says so and what to do.
func TestRecordOfNothing(t *testing.T) {
	name, _, _ := serving(t, "--size", "4MiB", "--jetstream", t.TempDir())
	if r := runCommand(t, "", "record", "nosuch", "--duration", "10ms", "--name", name); r.status != exitTimeout ||
		!strings.Contains(r.err, totalled("record", "nosuch", 0, 0)) || !strings.Contains(r.err, "nothing was recorded") || !strings.Contains(r.err, `"nosuch"`) {
		t.Errorf("%+v", r)
	}
	// No recording is left behind, so there is none to delete.
	if r := runCommand(t, "", "recordings", "--delete", "nosuch", "--name", name); r.status != exitUsage || !strings.Contains(r.err, `"nosuch"`) {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, "", "pub", "ended", "--frame-size", "1", "--name", name); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, "", "record", "ended", "--from", "oldest", "--name", name); r.status != exitTimeout || !strings.Contains(r.err, "nothing was recorded") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, strings.Repeat("x", 60_000), "pub", "cam", "--frame-size", "30000", "--name", name); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, "", "record", "cam", "--from", "oldest", "--max-bytes", "16KiB", "--name", name); r.status != exitTimeout ||
		!strings.Contains(r.err, "2 lost (2 refused)") || !strings.Contains(r.err, "--max-bytes") || !strings.Contains(r.err, "2 of 2") {
		t.Errorf("%+v", r)
	}
}

// What is waited for is said once, after a moment.
func TestRecordAndMirrorSayWhatTheyWaitFor(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB", "--jetstream", t.TempDir())
	for what, args := range map[string][]string{
		`waiting for a first frame in topic "quiet"`: {"record", "quiet"},
		`waiting for topic "far" of "nosuch"`:        {"mirror", "far", "--from", "nosuch"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			cmd := speaking(t, nil, append(args, "--name", name)...)
			cmd.err.await(t, what)
			cmd.signal(t, syscall.SIGTERM)
			if r := cmd.end(t); r.status != exitOK || strings.Count(r.err, "waiting for") != 1 || !strings.HasSuffix(r.err, totalled(args[0], args[1], 0, 0)) {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("serve", func(t *testing.T) {
		t.Parallel()
		serve := speaking(t, nil, "serve", "--name", name+"-b", "--size", "1MiB", "--mirror", "far@nosuch")
		serve.err.await(t, "waiting for a topic of another host")
		serve.signal(t, syscall.SIGTERM)
		if r := serve.end(t); r.status != exitOK || strings.Count(r.err, "\n") != 1 || !strings.Contains(r.err, "nosuch") || !strings.Contains(r.err, "far") {
			t.Errorf("%+v", r)
		}
	})
}

// A topic's name needs no other for its recording, whatever is in it.
func TestRecordAnyTopic(t *testing.T) {
	name, _, _ := serving(t, "--size", "4MiB", "--jetstream", t.TempDir())
	const topic, frame = "camera/front * .>", "a frame"
	if r := runCommand(t, frame, "pub", topic, "--name", name); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, "", "record", topic, "--from", "oldest", "--name", name); r.status != exitOK || unhurried(r.err) != totalled("record", topic, 1, len(frame)) {
		t.Errorf("%+v", r)
	}
	if r := runHere(t, "", "recordings", "--name", name); r.status != exitOK || !strings.Contains(r.out, "\n"+topic+"  "+topic+"  1 ") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, "", "replay", topic, "--name", name); r.status != exitOK || unhurried(r.err) != totalled("replay", topic, 1, len(frame)) {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, "", "sub", topic, "--from", "newest", "--count", "1", "--name", name); r.status != exitOK || r.out != frame {
		t.Errorf("%+v", r)
	}
	if r := runHere(t, "", "recordings", "--delete", topic, "--name", name); r.status != exitOK {
		t.Errorf("%+v", r)
	}
}

// Signals end both in order, and --duration a recorder.
func TestRecordReplayEnd(t *testing.T) {
	name, _, _ := serving(t, "--size", "4MiB", "--jetstream", t.TempDir())
	if r := runCommand(t, "", "--json", "record", "quiet", "--duration", "10ms", "--name", name); r.status != exitTimeout || !strings.Contains(r.out, `"frames":0`) {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, "a frame", "pub", "cam", "--name", name); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, "", "--json", "record", "cam", "--from", "oldest", "--name", name); r.status != exitOK || !strings.Contains(r.out, `"frames":1`) {
		t.Errorf("%+v", r)
	}
	for _, args := range [][]string{
		{"--json", "--log-level", "INFO", "record", "quiet", "--name", name},
		{"--json", "--log-level", "INFO", "replay", "cam", "--topic", "loop", "--loop", "--name", name},
	} {
		for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			cmd := command(args...)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			logged, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			started := bufio.NewScanner(logged)
			for started.Scan() && !strings.Contains(started.Text(), "recording") && !strings.Contains(started.Text(), "replaying") {
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || !strings.Contains(line, `"frames":`) {
				t.Errorf("%v, %v: %q, %v", args, sig, line, err)
			}
			for started.Scan() { // to the end, so that nobody waits for us
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v, %v: %v", args, sig, err)
			}
		}
	}
}

// Where nobody turned JetStream on, there is none; the error says how.
func TestRecordWithoutJetStream(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB")
	for _, args := range [][]string{{"record", "cam"}, {"replay", "cam"}, {"recordings"}} {
		if r := runHere(t, "", append(args, "--name", name)...); r.status != exitFailed || !strings.Contains(r.err, "framebuffer serve --jetstream DIR") {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
