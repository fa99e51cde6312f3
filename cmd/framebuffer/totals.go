package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// totals is the line that a command that moves frames prints at its end, at any log level: without
// it the user could not tell whether anything went through.
type totals struct {
	command   string // such as pub
	name      string // its argument: a topic or a recording
	topic     string
	recording string // "": no recording
	frames    uint64 // moved
	bytes     uint64 // of those frames
	lost      uint64 // frames that should have been moved, and were not
	of        []tally
	leftOut   uint64 // frames that the flags left out
	start     time.Time
}

// tally is the number of frames that were lost for one reason.
type tally struct {
	reason string // one word
	frames uint64
}

// total prints one line on standard error: a log record with --log-format json, else an object with
// --json, else text.
func (e *env) total(t totals) {
	took := time.Since(t.start).Seconds()
	switch {
	case e.logJSON:
		// By the handler, because the logger leaves out records below its level.
		r := slog.NewRecord(time.Now(), slog.LevelInfo, "totals", 0)
		r.AddAttrs(slog.String("framebuffer.command", t.command), slog.String("framebuffer.topic", t.topic),
			slog.Uint64("framebuffer.frames", t.frames), slog.Uint64("framebuffer.bytes", t.bytes),
			slog.Uint64("framebuffer.lost", t.lost), slog.Uint64("framebuffer.left_out", t.leftOut),
			slog.Float64("framebuffer.duration", took))
		if t.recording != "" {
			r.AddAttrs(slog.String("framebuffer.recording", t.recording))
		}
		for _, one := range t.of {
			r.AddAttrs(slog.Uint64("framebuffer."+one.reason, one.frames))
		}
		_ = e.log.Handler().Handle(e.ctx, r) // a closed standard error does not fail the command
	case e.json:
		all := map[string]any{
			"command": t.command, "topic": t.topic, "frames": t.frames, "bytes": t.bytes, "lost": t.lost,
			"left_out": t.leftOut, "duration_seconds": took, "duration": took, // the last is deprecated
		}
		if t.recording != "" {
			all["recording"] = t.recording
		}
		for _, one := range t.of {
			all[one.reason] = one.frames
		}
		if line, err := json.Marshal(map[string]any{"totals": all}); err == nil { // these types always marshal
			fmt.Fprintf(e.err, "%s\n", line)
		}
	default:
		fmt.Fprintf(e.err, "framebuffer: %s\n", t)
	}
}

// String formats the line as text.
func (t totals) String() string {
	s := fmt.Sprintf("%s %s: %s, %s, %d lost", t.command, text(t.name), exactly(t.frames, "frame"), exactly(t.bytes, "byte"), t.lost)
	var reasons []string
	for _, one := range t.of {
		if one.frames > 0 {
			reasons = append(reasons, fmt.Sprintf("%d %s", one.frames, one.reason))
		}
	}
	if len(reasons) > 0 {
		s += " (" + strings.Join(reasons, ", ") + ")"
	}
	if t.leftOut > 0 {
		s += fmt.Sprintf(", %d left out", t.leftOut)
	}
	return s
}

// exactly formats a count with all its digits, so that scripts can parse it.
func exactly(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
