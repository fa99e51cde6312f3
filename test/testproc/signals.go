package testproc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Env gives the child a variable more (NAME=VALUE).
func Env(variable string) Option {
	return func(c *exec.Cmd) { c.Env = append(c.Env, variable) }
}

// WaitStopped waits until the child has stopped, and fails if it ends instead.
func (p *Proc) WaitStopped() {
	p.t.Helper()
	if err := p.AwaitStop(); err != nil {
		p.t.Fatalf("%s: %v", p.role, err)
	}
}

// AwaitStop is WaitStopped for callers that have to clean up: os.ErrProcessDone says that the
// child has ended.
func (p *Proc) AwaitStop() error {
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PID, p.PID(), &info, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for it to stop: %w", err)
		}
		const cldStopped = 5 // CLD_STOPPED of <signal.h>
		if info.Code != cldStopped {
			return fmt.Errorf("it has ended instead of stopping: %w", os.ErrProcessDone)
		}
		return nil
	}
}

// Killed reports whether the child was ended by SIGKILL; it waits for the end.
func (p *Proc) Killed() bool {
	var exit *exec.ExitError
	if !errors.As(p.Wait(), &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// Ended reports whether the child has ended; it does not wait.
func (p *Proc) Ended() bool { return hasState(p.PID(), unix.WEXITED) }

// HasStopped reports whether the child has stopped; it does not wait.
func (p *Proc) HasStopped() bool { return hasState(p.PID(), unix.WSTOPPED) }

// hasState asks whether a child is in a state, and leaves it as it is.
func hasState(pid, options int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, options|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && info.Signo != 0
}

// Through has another program start the child, such as unshare(1) with options.
func Through(program string, args ...string) Option {
	return func(c *exec.Cmd) {
		self, err := os.Executable() // /proc/self/exe would be the other program
		if err == nil {
			c.Path, err = exec.LookPath(program)
		}
		c.Err = err
		c.Args = append(append([]string{program}, args...), self)
	}
}

// In runs the child in a directory.
func In(dir string) Option { return func(c *exec.Cmd) { c.Dir = dir } }

// Silent throws away what the child says on standard error.
func Silent() Option { return func(c *exec.Cmd) { c.Stderr = nil } }
