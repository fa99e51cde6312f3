package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/pixels"
	"github.com/core-framebuffer/framebuffer/internal/harmless"
	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Exit statuses; scripts rely on them.
const (
	exitOK         = 0
	exitFailed     = 1
	exitUsage      = 2
	exitTimeout    = 3
	exitNoServer   = 4
	exitNoMemory   = 5
	exitPermission = 6
)

// errUsage is for arguments that the command itself refuses.
var errUsage = errors.New("wrong usage")

// status returns the exit status of an error. Timeout comes first, because scripts retry after a
// timeout: an error that is a timeout and something else too counts as a timeout.
func status(err error) int {
	for _, s := range []struct {
		code int
		of   []error
	}{
		{exitTimeout, []error{framebuffer.ErrTimeout, errNoFrame, errMissing}},
		{exitPermission, []error{framebuffer.ErrPermission}},
		{exitNoMemory, []error{framebuffer.ErrNoMemory}},
		{exitNoServer, []error{service.ErrNoServer, framebuffer.ErrStaleKey, framebuffer.ErrClosed}},
		{exitUsage, []error{
			errUsage, errBadInput, framebuffer.ErrBadKey, framebuffer.ErrBadFrame, framebuffer.ErrBadOffset,
			framebuffer.ErrBadSize, framebuffer.ErrTooLarge, framebuffer.ErrTooLong,
			pixels.ErrFormat, topic.ErrBadName, topic.ErrBadMeta, record.ErrNoRecording,
		}},
	} {
		for _, kind := range s.of {
			if errors.Is(err, kind) {
				return s.code
			}
		}
	}
	return exitFailed
}

// report prints a command's error, unless it is nil, and returns the exit status.
func (e *env) report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	switch why := unread(err, e.out.File); {
	case errors.Is(why, syscall.EPIPE):
		return exitBrokenPipe
	case errors.Is(why, syscall.EIO): // the terminal was closed
		return exitOK
	}
	code := status(err)
	if errors.Is(err, errSignal) {
		return code
	}
	if e.json {
		line, jsonErr := json.Marshal(map[string]any{"error": err.Error(), "status": code})
		if jsonErr == nil {
			fmt.Fprintf(w, "%s\n", line)
			return code
		}
	}
	fmt.Fprintf(w, "framebuffer: %s\n", trimPrefix(strings.Join(errorLines(err), "\n")))
	return code
}

// errorLines returns an error's text, or a line for each error of [errors.Join]. A single error is
// one line: its text may come from another process, which could add lines that look like this
// program's.
func errorLines(err error) (lines []string) {
	all, ok := err.(interface{ Unwrap() []error }) // joined last, not wrapped in another error
	if ok && err.Error() == errors.Join(all.Unwrap()...).Error() {
		for _, one := range all.Unwrap() {
			lines = append(lines, errorLines(one)...)
		}
		return lines
	}
	return []string{text(err.Error())}
}

// trimPrefix removes the package's name from an error, before which the command's name is printed.
func trimPrefix(s string) string {
	const p = "framebuffer: "
	if len(s) > len(p) && s[:len(p)] == p {
		return s[len(p):]
	}
	return s
}

// print writes a result: v as one line of JSON with --json, otherwise text. It escapes control
// characters in both.
func (e *env) print(v any, text string) error {
	if e.json {
		line, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		text = string(line)
	}
	if _, err := fmt.Fprintln(e.out, harmless.Lines(text)); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printAll prints a line of JSON for each element with --json, otherwise the text of all.
func printAll[T any](e *env, all []T, text func([]T) string) error {
	if !e.json {
		return e.print(nil, strings.TrimRight(text(all), "\n"))
	}
	for _, one := range all {
		if err := e.print(one, ""); err != nil {
			return err
		}
	}
	return nil
}
