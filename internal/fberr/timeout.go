package fberr

import "fmt"

// Reason says why the bytes of a frame cannot be had any more.
type Reason int

// The reasons.
const (
	Overwritten Reason = iota + 1 // the ring has given the chunk's memory to a later chunk
	Altered                       // the bytes do not match their checksum, or the chunk's header is damaged
)

// String returns "overwritten" or "altered".
func (r Reason) String() string {
	switch r {
	case Overwritten:
		return "overwritten"
	case Altered:
		return "altered"
	}
	return "unknown"
}

// TimeoutError is a timeout with its reason. [errors.Is] finds [Timeout] and
// [os.ErrDeadlineExceeded] in it.
type TimeoutError struct {
	Reason Reason
	err    error
}

// NewTimeout returns a [TimeoutError] whose text is that of [Timeout], followed by the formatted
// detail. Errors that format wraps with %w are found too.
func NewTimeout(reason Reason, format string, args ...any) error {
	return &TimeoutError{reason, fmt.Errorf("%w: %w", Timeout, fmt.Errorf(format, args...))}
}

// Error returns the text.
func (e *TimeoutError) Error() string { return e.Unwrap().Error() }

// Unwrap returns what the error wraps: [Timeout], with detail.
func (e *TimeoutError) Unwrap() error {
	if e.err == nil { // made by a program outside of this module
		return fmt.Errorf("%w: %v", Timeout, e.Reason)
	}
	return e.err
}

// Timeout returns true, as callers of net.Error expect.
func (e *TimeoutError) Timeout() bool { return true }
