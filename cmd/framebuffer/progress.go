package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/harmless"
)

// sayAfter is how long a command waits before it says what for.
const sayAfter = 2 * time.Second

// waiting says once on standard error what the command waits for, such as "the server \"cam\"",
// when that took a while. The caller calls stop when the wait is over: nothing is printed after
// stop has returned. Stop may be called more than once.
func (e *env) waiting(what string) (stop func()) {
	return e.waitingFor(func() string { return what })
}

// waitingFor is waiting for something that is described when it is printed. describe runs on
// another goroutine.
func (e *env) waitingFor(describe func() string) (stop func()) {
	var mu sync.Mutex // held while the line is printed: stop waits for that
	over := false
	timer := time.AfterFunc(sayAfter, func() {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		if what := describe(); what != "" { // it may have come
			e.remark("waiting", "waiting for "+what)
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		over = true
	}
}

// remark prints a line for people on standard error, whatever the level of the log: with
// --log-format json as a log line, and with --json as an object of one member.
func (e *env) remark(kind, text string) {
	switch {
	case e.logJSON:
		r := slog.NewRecord(time.Now(), slog.LevelInfo, text, 0)
		r.AddAttrs(slog.String("framebuffer.remark", kind))
		_ = e.log.Handler().Handle(e.ctx, r)
	case e.json:
		if line, err := json.Marshal(map[string]string{kind: text}); err == nil {
			_, _ = fmt.Fprintf(e.err, "%s\n", line)
		}
	default:
		_, _ = fmt.Fprintf(e.err, "framebuffer: %s\n", harmless.Text(text)) // of one line
	}
}

// errSignal ends a command that a signal found waiting, before it did what it was started for.
// Nothing is printed of it.
var errSignal = errors.New("a signal came before the command had done its work")

// interrupted is errSignal if err is there only because a signal ended the command's context,
// else err.
func (e *env) interrupted(err error) error {
	if err != nil && e.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return errSignal
	}
	return err
}

// unlessSignalled is nil for the end of a command that runs until a signal comes anyway.
func unlessSignalled(err error) error {
	if errors.Is(err, errSignal) {
		return nil
	}
	return err
}

// wholeLines is a writer for several goroutines. Each call writes a whole line.
type wholeLines struct {
	mu sync.Mutex
	to io.Writer
}

func (l *wholeLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

// quoted is a server's name, as people read it.
func (l *lookup) quoted() string {
	if l.NATS != "" {
		return fmt.Sprintf("the server %q of the NATS at --nats", l.Name)
	}
	return fmt.Sprintf("the server %q", strings.ToValidUTF8(l.Name, "?"))
}
