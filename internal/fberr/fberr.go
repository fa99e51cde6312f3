// Package fberr has the sentinel errors of package framebuffer, so that internal packages can wrap them
// with detail where the facts are known. The root package exports each under the name Err…, as package
// os does with internal/oserror.
package fberr

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// sentinel is an error with a text of its own that also matches one of the standard library's errors,
// for callers that know only the latter.
type sentinel struct {
	text string
	as   error
}

func (e *sentinel) Error() string { return e.text }
func (e *sentinel) Is(target error) bool {
	return e.as != nil && (target == e.as || errors.Is(e.as, target))
}

// timeout is a sentinel with the method Timeout of net.Error.
type timeout struct{ sentinel }

func (e *timeout) Timeout() bool { return true }

// The sentinels. Compare with [errors.Is]: returned errors wrap them with the requested value, the limit
// and the remedy.
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
