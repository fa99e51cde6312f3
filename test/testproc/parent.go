// Package testproc runs tests across real processes: the test binary executes itself again
// and plays a named role. Parent and child talk in lines of JSON over pipes, so they wait
// for each other by messages and never by sleeping.
package testproc

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const (
	roleVar = "FRAMEBUFFER_TEST_ROLE"
	argsVar = "FRAMEBUFFER_TEST_ARGS"
)

// Proc is a child process. Its methods belong to one goroutine, Kill and Signal excepted.
type Proc struct {
	t      testing.TB
	role   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	waited bool
	err    error
}

// Option changes how Start runs the child.
type Option func(*exec.Cmd)

// As runs the child as another user. It needs root.
func As(uid, gid uint32) Option {
	return func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid, NoSetGroups: true}}
	}
}

// Credentials runs the child as another user and in these groups. It needs root.
func Credentials(user syscall.Credential) Option {
	return func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Credential: &user} }
}

// Namespaces runs the child in new namespaces (syscall.CLONE_NEW…). It needs root.
func Namespaces(flags uintptr) Option {
	return func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	}
}

// InUserNamespace runs a child as the user and group with these ids in a user namespace of its own,
// in which there is no other user: outside it is the host's user and group. It needs root.
func InUserNamespace(uid, gid, hostUID, hostGID int) Option {
	return func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: hostUID, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: hostGID, Size: 1}},
			Credential:  &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true},
		}
	}
}

// Under runs the child by another command, which is given the test binary as its last word.
func Under(command ...string) Option {
	return func(c *exec.Cmd) {
		exe, err := os.Executable()
		by := exec.Command(command[0], append(command[1:], exe)...)
		c.Path, c.Args, c.Err = by.Path, by.Args, errors.Join(err, by.Err)
	}
}

// Start runs the role in a process of its own, which is killed when the test ends.
func Start(t testing.TB, role string, args ...string) *Proc {
	t.Helper()
	return StartWith(t, nil, role, args...)
}

// StartWith is Start with options.
func StartWith(t testing.TB, opts []Option, role string, args ...string) *Proc {
	t.Helper()
	p, err := start(opts, role, args)
	if missing := new(exec.Error); errors.As(err, &missing) {
		Need(t, !errors.Is(err, exec.ErrNotFound), missing.Name+", which scripts/setup installs")
	}
	if err != nil {
		t.Fatalf("start %s: %v", role, err)
	}
	p.t = t
	t.Cleanup(p.Kill)
	return p
}

func start(opts []Option, role string, args []string) (*Proc, error) {
	// /proc/self/exe rather than the path: another user may not reach the build directory.
	cmd := Command("/proc/self/exe")
	packed, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	cmd.Env = append(os.Environ(), roleVar+"="+role, argsVar+"="+string(packed))
	cmd.Stderr = os.Stderr
	for _, o := range opts {
		o(cmd)
	}
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Proc{role: role, cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

// PID is the child's process id.
func (p *Proc) PID() int { return p.cmd.Process.Pid }

// Send gives the child v.
func (p *Proc) Send(v any) {
	p.t.Helper()
	if err := writeJSON(p.in, v); err != nil {
		p.t.Fatalf("send to %s: %v", p.role, err)
	}
}

// TrySend is Send for children that may be dead.
func (p *Proc) TrySend(v any) error { return writeJSON(p.in, v) }

// Recv waits for the child's next message.
func (p *Proc) Recv(v any) {
	p.t.Helper()
	if err := p.TryRecv(v); err != nil {
		p.t.Fatalf("receive from %s: %v", p.role, err)
	}
}

// TryRecv is Recv for children that may be dead: io.EOF says so.
func (p *Proc) TryRecv(v any) error { return readJSON(p.out, v) }

// CloseInput tells the child that nothing more comes: its Recv returns io.EOF.
func (p *Proc) CloseInput() { _ = p.in.Close() }

// Signal sends the child a signal.
func (p *Proc) Signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %v to %s: %v", s, p.role, err)
	}
}

// Kill ends the child with SIGKILL and waits until it is gone.
func (p *Proc) Kill() {
	_ = p.cmd.Process.Kill() // the only error is that it has ended already
	_ = p.Wait()
}

// Wait waits until the child has ended; the error is its failure.
func (p *Proc) Wait() error {
	if !p.waited {
		p.waited = true
		_ = p.in.Close()
		p.err = p.cmd.Wait()
	}
	return p.err
}

// Done closes the child's input and fails the test unless it ends well.
func (p *Proc) Done() {
	p.t.Helper()
	p.CloseInput()
	if err := p.Wait(); err != nil {
		p.t.Fatalf("%s: %v", p.role, err)
	}
}

func writeJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

func readJSON(r *bufio.Reader, v any) error {
	line, err := r.ReadString('\n')
	if err != nil {
		if s := strings.TrimSpace(line); s != "" {
			return fmt.Errorf("%w behind %q", err, s)
		}
		return err
	}
	if err := json.Unmarshal([]byte(line), v); err != nil {
		return fmt.Errorf("%q: %w", line, err)
	}
	return nil
}
