package wire

import (
	"errors"
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/harmless"
)

// The errors that only a server, or the search for one, returns. Packages service, remote and record
// export them.
var (
	ErrNoServer  = errors.New("framebuffer: no server found")
	ErrTooMany   = errors.New("framebuffer: too many servers answer")
	ErrBusy      = errors.New("framebuffer: too many frames are asked for")
	ErrNoTopic   = errors.New("framebuffer: no such topic")
	ErrUntrusted = errors.New("framebuffer: not signed by a trusted server")
)

// ErrClientClosed returns the error of a call after the client's Close.
func ErrClientClosed() error {
	return fmt.Errorf("%w: this client was closed", fberr.Closed)
}

// code pairs an error with its code on the wire. The codes are part of the protocol and never change.
type code struct {
	word string
	err  error
}

// codes lists the errors that endpoints return. An error that is a timeout and something else has the
// code of the timeout, which is first.
func codes() []code {
	return []code{
		{"TIMEOUT", fberr.Timeout},
		{"BAD_SIZE", fberr.BadSize},
		{"TOO_LARGE", fberr.TooLarge},
		{"BAD_OFFSET", fberr.BadOffset},
		{"TOO_LONG", fberr.TooLong},
		{"BAD_KEY", fberr.BadKey},
		{"STALE_KEY", fberr.StaleKey},
		{"BAD_FRAME", fberr.BadFrame},
		{"CLOSED", fberr.Closed},
		{"READ_ONLY", fberr.ReadOnly},
		{"NO_PERMISSION", fberr.Permission},
		{"NO_MEMORY", fberr.NoMemory},
		{"CORRUPT", fberr.Corrupt},
		{"BUSY", ErrBusy},
		{"NO_TOPIC", ErrNoTopic},
		{"UNTRUSTED", ErrUntrusted},
	}
}

// codeInternal is the code of every other error.
const codeInternal = "INTERNAL"

// CodeOf returns the code of an error.
func CodeOf(err error) string {
	for _, c := range codes() {
		if errors.Is(err, c.err) {
			return c.word
		}
	}
	return codeInternal
}

// AnsweredError is an error that a server answered with: its text, and the error that its code stands for.
type AnsweredError struct {
	text string
	err  error // nil: this version does not know the code
}

func (e *AnsweredError) Error() string { return e.text }
func (e *AnsweredError) Unwrap() error { return e.err }

const (
	maxCode      = 64      // bytes that are kept of a code
	maxErrorText = 4 << 10 // bytes that are kept of an error's text
)

// ErrorOf returns the error of an answer with that code and text, both of which another host may have
// made up.
func ErrorOf(word, text string) error {
	word, text = harmless.Text(word[:min(len(word), maxCode)]), harmless.Text(text[:min(len(text), maxErrorText)])
	text = text[:min(len(text), maxErrorText)] // escapes are longer
	e := &AnsweredError{text: text}
	for _, c := range codes() {
		if c.word == word {
			e.err = c.err
		}
	}
	if e.err == nil || text == "" {
		e.text = "framebuffer: the server answered " + word + ": " + text
	}
	return e
}
