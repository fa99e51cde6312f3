package testproc

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// patience is how long a child process of a test may run. None takes anywhere near as long.
	patience = 5 * time.Minute
	// grace is how long its output may stay open once it has ended, held by a child of its own.
	grace = 30 * time.Second
)

// Command is exec.Command for the tests: every child process of a test starts with it, the
// linter sees to that. A process that still runs after five minutes is killed, and the test's
// output says which one it was; so the test that waits for it goes on, and fails. Where the tests
// run without a time limit (-timeout 0), so do their processes: `make soak` does.
func Command(name string, args ...string) *exec.Cmd { return commandFor(patience, name, args...) }

func commandFor(bound time.Duration, name string, args ...string) *exec.Cmd {
	heed()
	ctx := context.Background()
	if !unlimited() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, bound)
		context.AfterFunc(ctx, cancel) // nothing ends it before
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = grace
	cmd.Cancel = func() error {
		if hasState(cmd.Process.Pid, unix.WEXITED) {
			return os.ErrProcessDone // the test killed it, and did not wait for its end
		}
		fmt.Fprintf(os.Stderr, "testproc: killed process %d, which still ran %v after the test made it: %q\n", cmd.Process.Pid, bound, cmd.Args)
		return cmd.Process.Kill()
	}
	return cmd
}

// heed has children start with the default of each signal that this process was started to ignore,
// by nohup(1) or as a script's job in the background: they would ignore it too, and a test that ends
// them by it would wait for its bound. A handler, as Notify sets it here, is not inherited.
func heed() {
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

// unlimited reports whether the test binary was started with -timeout 0. Before its flags are
// parsed it was not.
func unlimited() bool {
	f := flag.Lookup("test.timeout")
	return flag.Parsed() && f != nil && f.Value.String() == "0s"
}
