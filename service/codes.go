package service

import (
	"errors"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/harmless"
)

// code pairs an error with the word that stands for it on the wire. The words are part of
// the protocol and never change.
type code struct {
	word string
	err  error
}

// codes lists the errors that endpoints return. Timeout goes first: an error that is a
// timeout and something else too travels as a timeout.
func codes() []code {
	return []code{
		{"TIMEOUT", framebuffer.ErrTimeout},
		{"BAD_SIZE", framebuffer.ErrBadSize},
		{"TOO_LARGE", framebuffer.ErrTooLarge},
		{"BAD_OFFSET", framebuffer.ErrBadOffset},
		{"TOO_LONG", framebuffer.ErrTooLong},
		{"BAD_KEY", framebuffer.ErrBadKey},
		{"STALE_KEY", framebuffer.ErrStaleKey},
		{"BAD_FRAME", framebuffer.ErrBadFrame},
		{"CLOSED", framebuffer.ErrClosed},
		{"READ_ONLY", framebuffer.ErrReadOnly},
		{"NO_PERMISSION", framebuffer.ErrPermission},
		{"NO_MEMORY", framebuffer.ErrNoMemory},
		{"CORRUPT", framebuffer.ErrCorrupt},
		{"BUSY", ErrBusy},
		{"NO_TOPIC", ErrNoTopic},
		{"UNTRUSTED", ErrUntrusted},
	}
}

// codeInternal is for whatever is not in the table.
const codeInternal = "INTERNAL"

// wordFor returns the word for an error.
func wordFor(err error) string {
	for _, c := range codes() {
		if errors.Is(err, c.err) {
			return c.word
		}
	}
	return codeInternal
}

// remoteError is an error that a server sent: its text, and the sentinel its word names.
type remoteError struct {
	word string
	text string
	err  error // nil for words this version does not know
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.err }

// maxErrorText bounds what is made of what somebody sent, in bytes.
const maxErrorText = 4 << 10

func fromWire(word, text string) error {
	word, text = harmless.Text(word[:min(len(word), 64)]), harmless.Text(text[:min(len(text), maxErrorText)])
	text = text[:min(len(text), maxErrorText)] // escapes are longer
	e := &remoteError{word: word, text: text}
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
