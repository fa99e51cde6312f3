// Package fberr holds the sentinel errors of package framebuffer, so that internal
// packages can wrap them with detail at the place where the facts are known. The root
// package re-exports every one of them under the name Err… (the way package os does with
// internal/oserror).
package fberr

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// sentinel is an error with a text of its own that also counts as one of the standard
// library's errors, so that callers who know only the latter still branch rightly.
type sentinel struct {
	text string
	as   error
}

func (e *sentinel) Error() string { return e.text }
func (e *sentinel) Is(target error) bool {
	return e.as != nil && (target == e.as || errors.Is(e.as, target))
}

// timeout is a sentinel that also satisfies the net.Error idea of a timeout.
type timeout struct{ sentinel }

func (e *timeout) Timeout() bool { return true }

// The sentinels. Compare with errors.Is; returned errors wrap them with the value that
// was asked for, the limit it broke and the remedy.
var (
	Timeout    error = &timeout{sentinel{"framebuffer: timeout", os.ErrDeadlineExceeded}}
	BadSize          = errors.New("framebuffer: bad size")
	TooLarge         = errors.New("framebuffer: too large")
	BadOffset        = errors.New("framebuffer: bad offset")
	TooLong          = errors.New("framebuffer: data longer than the chunk")
	BadKey           = errors.New("framebuffer: bad key")
	StaleKey         = errors.New("framebuffer: stale key")
	BadFrame         = errors.New("framebuffer: bad frame")
	Closed     error = &sentinel{"framebuffer: closed", os.ErrClosed}
	ServerGone error = &sentinel{"framebuffer: server is gone", Closed}
	ReadOnly         = errors.New("framebuffer: read-only")
	Permission error = &sentinel{"framebuffer: no permission", fs.ErrPermission}
	NoMemory         = errors.New("framebuffer: not enough memory")
	HoldLimit        = errors.New("framebuffer: too much is held")
	TopicLimit       = errors.New("framebuffer: no room for another topic or group")
	Ended      error = &sentinel{"framebuffer: topic has ended", io.EOF}
	Corrupt          = errors.New("framebuffer: segment is damaged")
)
