package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// totalled is the line with which a command ends that lost nothing.
func totalled(command, name string, frames, size int) string {
	return fmt.Sprintf("framebuffer: %s %s: %s, %s, 0 lost\n", command, name, exactly(uint64(frames), "frame"), exactly(uint64(size), "byte"))
}

// Totals say what was lost and why, and are not passed over at any log level; each form fits the others' lines.
func TestTotals(t *testing.T) {
	all := totals{
		command: "replay", name: "cam\x1b/1", topic: "again", recording: "cam\x1b/1", frames: 1, bytes: 123_456_789, lost: 5,
		of: []tally{{"damaged", 2}, {"incomplete", 0}, {"refused", 3}}, leftOut: 7, start: time.Now().Add(-time.Minute),
	}
	if s := all.String(); s != "replay cam\\u001b/1: 1 frame, 123456789 bytes, 5 lost (2 damaged, 3 refused), 7 left out" {
		t.Error(s)
	}
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelError} {
		for _, form := range []string{"text", "json"} {
			var said bytes.Buffer
			e := &env{ctx: t.Context(), err: &said, log: newLogger(&said, form, level), json: form == "text", logJSON: form == "json"}
			e.total(all)
			var line map[string]any
			if err := json.Unmarshal(said.Bytes(), &line); err != nil || strings.Count(said.String(), "\n") != 1 {
				t.Fatalf("%q: %v", &said, err)
			}
			prefix := "framebuffer."
			if inner, ok := line["totals"].(map[string]any); ok && form == "text" {
				line, prefix = inner, ""
			} else if line["msg"] != "totals" || line["service.name"] != "framebuffer" {
				t.Errorf("%v", line)
			}
			for name, want := range map[string]any{
				"command": "replay", "topic": "again", "recording": "cam\x1b/1", "frames": 1., "bytes": 123456789., "lost": 5.,
				"damaged": 2., "incomplete": 0., "refused": 3., "left_out": 7.,
			} {
				if got := line[prefix+name]; got != want {
					t.Errorf("%s %v: %s is %v, not %v", form, level, name, got, want)
				}
			}
			names := []string{"duration"}
			if prefix == "" {
				names = append(names, "duration_seconds")
			}
			for _, name := range names {
				if took, ok := line[prefix+name].(float64); !ok || took < 60 {
					t.Errorf("%s: %v", name, line)
				}
			}
		}
	}
}

// Each command that moves frames ends with its totals, also when a signal ends it.
func TestCommandsEndWithTotals(t *testing.T) {
	name, _, _ := serving(t, "--size", "4MiB", "--jetstream", t.TempDir())
	record := start(t, nil, "record", "cam", "--name", name)
	if r := runCommand(t, "0123456789", "pub", "cam", "--frame-size", "1", "--wait", "1", "--name", name); r.status != exitOK || unhurried(r.err) != totalled("pub", "cam", 10, 10) {
		t.Errorf("%+v", r)
	}
	if r := record.end(t); r.status != exitOK || unhurried(r.err) != totalled("record", "cam", 10, 10) {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, "", "replay", "cam", "--topic", "again", "--speed", "max", "--name", name); r.status != exitOK || unhurried(r.err) != totalled("replay", "cam", 10, 10) {
		t.Errorf("%+v", r)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	defer read.Close()
	for _, args := range [][]string{{"pub", "x", "--frame-size", "1"}, {"mirror", "y"}} {
		cmd := start(t, read, append(args, "--name", name)...)
		await(t, name, `"`+args[1]+`"`)
		signalled(t, cmd, syscall.SIGTERM, exitOK, totalled(args[0], args[1], 0, 0))
	}
}

// A pub that has attached ends with its totals also before its first frame: while it waits for
// subscriptions, by a signal and by the end of its server, and when it cannot begin.
func TestPubThatPublishedNothingEndsWithTotals(t *testing.T) {
	name, s, server := serving(t, "--size", "1MiB")
	nothing, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	defer hold.Close()
	for topic, reach := range map[string][]string{"by-name": {"--name", name}, "by-key": {"--key", s.Key}} {
		cmd := start(t, nothing, append([]string{"pub", topic, "--wait", "1"}, reach...)...)
		await(t, name, `"`+topic+`"`)
		signalled(t, cmd, syscall.SIGTERM, exitOK, totalled("pub", topic, 0, 0))
	}
	for _, why := range [][]string{{"--frame-size", "2MB"}, {"--video", "9x9:none"}, {"--video", "4000x4000:rgb24"}} {
		r := runCommand(t, "", append([]string{"pub", "x", "--name", name}, why...)...)
		if r.status == exitOK || !strings.Contains(r.err, totalled("pub", "x", 0, 0)) || strings.Count(r.err, "\n") != 2 {
			t.Errorf("%v: %+v", why, r)
		}
	}
	waits := start(t, nothing, "pub", "y", "--wait", "1", "--name", name, "--no-follow")
	await(t, name, `"y"`)
	ends(t, server, syscall.SIGTERM)
	if r := waits.end(t); r.status != exitNoServer || !strings.Contains(r.err, totalled("pub", "y", 0, 0)) {
		t.Errorf("%+v", r)
	}
}
