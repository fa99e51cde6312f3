package natsconn

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/procinfo"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// silentError is errNoServer of a server that is there and does not answer.
type silentError struct {
	name  string
	pid   int // as this process sees it; 0 if it is not known
	cause error
}

func (e *silentError) Error() string {
	s := fmt.Sprintf("framebuffer: the server %q does not answer: ", NameOrDefault(e.name))
	if e.pid == 0 {
		return s + "its process hangs or is stopped"
	}
	if state, _, err := procinfo.Stat(e.pid); err == nil && (state == 'T' || state == 't') { // SIGSTOP, a debugger
		return s + fmt.Sprintf("its process %d is stopped: kill -CONT %d has it go on", e.pid, e.pid)
	}
	return s + fmt.Sprintf("its process %d is starting, or hangs", e.pid)
}

func (e *silentError) Is(target error) bool { return target == wire.ErrNoServer }

func (e *silentError) Unwrap() error { return e.cause }
