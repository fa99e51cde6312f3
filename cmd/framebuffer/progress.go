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

// sayAfter is how long a command waits before it prints what it waits for.
const sayAfter = 2 * time.Second

// waiting prints once on standard error what the command waits for, such as "the server \"cam\"",
// if the wait takes longer than sayAfter. The caller calls stop when the wait is over: nothing is
// printed after stop has returned. Stop may be called more than once.
func (e *env) waiting(what string) (stop func()) {
	return e.waitingFor(func() string { return what })
}

// waitingFor is like waiting, with a description that is made when it is printed: describe runs on
// another goroutine, and returns "" if the wait is over.
func (e *env) waitingFor(describe func() string) (stop func()) {
	var mu sync.Mutex // held while the line is printed, so that stop waits for that
	over := false
	timer := time.AfterFunc(sayAfter, func() {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		if what := describe(); what != "" {
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

// remark prints a line on standard error at any log level: a log record with --log-format json,
// else an object whose member is kind with --json, else text.
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
		_, _ = fmt.Fprintf(e.err, "framebuffer: %s\n", harmless.Text(text)) // one line
	}
}

// errSignal is the error of a command that a signal ended while it waited to begin. It is not
// printed.
var errSignal = errors.New("a signal came before the command had done its work")

// interrupted returns errSignal if err only says that a signal cancelled the command's context,
// else err.
func (e *env) interrupted(err error) error {
	if err != nil && e.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return errSignal
	}
	return err
}

// unlessSignalled returns err, or nil for errSignal: for commands that run until a signal, which is
// their normal end.
func unlessSignalled(err error) error {
	if errors.Is(err, errSignal) {
		return nil
	}
	return err
}

// wholeLines is a writer for several goroutines, each of whose calls writes a whole line.
type wholeLines struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements io.Writer.
func (l *wholeLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

// quoted returns a description of the server that the flags name.
func (l *lookup) quoted() string {
	if l.NATS != "" {
		return fmt.Sprintf("the server %q of the NATS at --nats", l.Name)
	}
	return fmt.Sprintf("the server %q", strings.ToValidUTF8(l.Name, "?"))
}
