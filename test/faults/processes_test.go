//go:build failpoints

package faults

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// roleFork: KEY; attaches and forks without exec, as programs in C and Python do. The child
// writes into the chunk that the parent allocated, and then waits to be killed. -> the frame
// as it would be, and the child's pid in its offset
func roleFork(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], nil)
	if err != nil {
		return err
	}
	data := grow(5, 50_000)
	offset, err := client.Allocate(len(data))
	if err != nil {
		return err
	}
	// The child has one thread and none of the runtime's others: no collection, no switching.
	debug.SetGCPercent(-1)
	runtime.LockOSThread()
	var child uintptr
	for try := 1; child == 0; try++ {
		if child, err = forked(client, offset, data); errors.Is(err, os.ErrDeadlineExceeded) && try < 5 {
			continue
		}
		if err != nil {
			return err
		}
	}
	err = c.Send(answer{Offset: offset, Sequence: uint64(child)})
	return errors.Join(err, c.Park())
}

// forked is a child by fork without exec, once it has written and allocated. Of Go's runtime it
// has one thread, and whatever locks the others held just then stay taken: so a child may hang,
// which is nothing of ours; it is ended, and os.ErrDeadlineExceeded is returned.
func forked(client *framebuffer.Client, offset uint64, data []byte) (child uintptr, err error) {
	pipe := make([]int, 2)
	if err := unix.Pipe2(pipe, unix.O_CLOEXEC); err != nil {
		return 0, err
	}
	defer syscall.Close(pipe[0])
	child, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	if child == 0 {
		_, err := client.Write(offset, data)
		if err == nil {
			_, err = client.Allocate(1000)
		}
		if err == nil {
			_, _ = syscall.Write(pipe[1], []byte{1})
		}
		_ = syscall.Close(pipe[1])
		for {
			_, _, _ = syscall.RawSyscall(syscall.SYS_PPOLL, 0, 0, 0)
		}
	}
	if err := syscall.Close(pipe[1]); err != nil {
		return 0, err
	}
	fds := []unix.PollFd{{Fd: int32(pipe[0]), Events: unix.POLLIN}}
	for end := time.Now().Add(20 * time.Second); ; {
		n, err := unix.Poll(fds, 1000)
		if n > 0 {
			break
		}
		if (err == nil || errors.Is(err, syscall.EINTR)) && time.Now().Before(end) {
			continue
		}
		err = errors.Join(err, syscall.Kill(int(child), syscall.SIGKILL))
		_, waited := syscall.Wait4(int(child), nil, 0, nil)
		return 0, errors.Join(os.ErrDeadlineExceeded, err, waited)
	}
	if n, err := syscall.Read(pipe[0], make([]byte, 1)); n != 1 {
		return 0, fmt.Errorf("the forked child could not write: %w", errors.Join(err, os.ErrProcessDone))
	}
	return child, nil
}

// A process that attached forks without exec: both use the memory, each may die first, and it
// is gone when the last has let go.
func TestForkWithoutExec(t *testing.T) {
	for _, backend := range backends() {
		for _, first := range []string{"parent", "child"} {
			t.Run(backend+"/"+first, func(t *testing.T) {
				w := newWorld(t, backend, place(t, backend))
				parent := testproc.Start(t, "fork", w.key)
				var a answer
				parent.Recv(&a)
				child := int(a.Sequence)
				t.Cleanup(func() { _ = syscall.Kill(child, syscall.SIGKILL) })
				if !w.readable(w.written(a.Offset, 5, 50_000), 5) {
					t.Error("what the forked child wrote cannot be read")
				}
				kill := map[string]func(){
					"parent": parent.Kill,
					"child": func() {
						if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
							t.Fatal(err)
						}
					},
				}
				kill[first]()
				w.goesOn()
				w.server.Kill()
				if err := w.c.Close(); err != nil {
					t.Error(err)
				}
				w.c = nil
				if left := segmentsOf(t, w.server.PID()); backend == "sysv" && len(left) != 2 {
					t.Errorf("one of the two is attached still, and there are segments %v", left)
				}
				delete(kill, first)
				for _, last := range kill {
					last()
				}
				eventually(t, "the memory is gone", func() bool { return len(segmentsOf(t, w.server.PID())) == 0 })
				w.finish()
			})
		}
	}
}

// roleReuse: KEY; the first process of a PID namespace. A client is killed, and another
// process gets its pid. -> how many slots were taken with the dead one, and after a newcomer
func roleReuse(c *testproc.Child) error {
	if err := errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("proc", "/proc", "proc", 0, ""),
	); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	client, err := framebuffer.Attach(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer client.Close()
	attach := order{Do: "attach", Key: c.Args[0]}
	first, err := child(&attach)
	if err != nil {
		return err
	}
	pid := first.Process.Pid
	started, err := procinfo.StartTime(pid)
	if err != nil {
		return err
	}
	_ = first.Process.Kill()
	_ = first.Wait()
	// The kernel says in hundredths of a second when a process started, and a difference of one is
	// none: so two that a fast machine starts in succession cannot be told apart.
	for {
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
			return err
		}
		if uint64(now.Nano())/10_000_000 > started+2 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0o600); err != nil {
		return err
	}
	other, err := child(nil)
	if err != nil {
		return err
	}
	if other.Process.Pid != pid {
		return fmt.Errorf("got pid %d, not %d again", other.Process.Pid, pid)
	}
	before, err := monitor.Look(client)
	if err != nil {
		return err
	}
	if _, err := child(&attach); err != nil {
		return err
	}
	after, err := monitor.Look(client)
	if err != nil {
		return err
	}
	return c.Send([2]int{len(before.Clients), len(after.Clients)})
}

// child starts a peer, and waits until it has done what it is told.
func child(o *order) (*exec.Cmd, error) {
	cmd := testproc.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "FRAMEBUFFER_TEST_ROLE=peer", "FRAMEBUFFER_TEST_ARGS=[]")
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil || o == nil {
		return cmd, err
	}
	if err := json.NewEncoder(in).Encode(o); err != nil {
		return nil, err
	}
	var a answer
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err == nil && a.Err != "" {
		err = errors.New(a.Err)
	}
	return cmd, err
}

// The slot of a dead process is taken over although another process has its pid by now.
func TestPIDReuse(t *testing.T) {
	testproc.NeedRoot(t)
	w := newWorld(t, "sysv", t.TempDir())
	p := testproc.StartWith(t, []testproc.Option{testproc.Namespaces(unix.CLONE_NEWPID | unix.CLONE_NEWNS)}, "reuse", w.key)
	var slots [2]int
	p.Recv(&slots)
	p.Done()
	// The server, this process, and the namespace's first; then the one that came in place of the dead.
	if slots != [2]int{3, 4} {
		t.Errorf("slots taken: %v", slots)
	}
	w.finish()
}
