package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// A segment that is in order is told so, and one that is not is told what and fails.
func TestCheck(t *testing.T) {
	name, s, _ := serving(t, "--size", "1MiB")
	if r := runCommand(t, "frame", "pub", "x", "--name", name); r.status != 0 {
		t.Fatalf("pub: %+v", r)
	}
	if r := runCommand(t, "", "check", "--name", name); r.status != 0 || !strings.Contains(r.out, "1 topics with 1 frames, 0 of them damaged") {
		t.Errorf("check: %+v", r)
	}
	c, err := framebuffer.Attach(s.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Segment().Control.HoldHigh().Store(1000)
	if r := runCommand(t, "", "check", s.Key); r.status != exitFailed || !strings.Contains(r.out, "problem: hold high is 1000 of 256\n") || !strings.Contains(r.err, "the segment is damaged") {
		t.Errorf("check: %+v", r)
	}
	var got monitor.Report
	r := runCommand(t, "", "check", s.Key, "--json")
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || len(got.Problems) != 1 || got.Frames != 1 {
		t.Errorf("check --json: %+v: %v", r, err)
	}
}

// A signal, which ends the command's context, ends a check too, and nothing is printed.
func TestCheckEndsWithASignal(t *testing.T) {
	_, s, _ := serving(t, "--size", "64KiB")
	ctx, signalled := context.WithCancel(context.Background())
	signalled()
	e := &env{ctx: ctx, log: slog.New(slog.DiscardHandler)} // and no output
	c := checkCmd{keyFlag: keyFlag{Key: keyText(s.Key)}}
	if err := e.interrupted(c.Run(e)); !errors.Is(err, errSignal) {
		t.Error(err)
	}
}
