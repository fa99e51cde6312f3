package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// secondCounts is how long after the first signal further ones count as the same: timeout(1) sends
// its signals twice, and service managers send SIGHUP right after SIGTERM.
const secondCounts = 500 * time.Millisecond

// exitBrokenPipe is the status of a command whose output was closed by its reader: that of a
// process killed by SIGPIPE, as shells show it.
const exitBrokenPipe = 128 + int(syscall.SIGPIPE)

// untilSignal returns a context that ends with the first SIGINT, SIGTERM, SIGQUIT or SIGHUP; SIGHUP
// counts unless the command was started with SIGHUP ignored, as by nohup(1). The command then ends
// in order: it removes sockets and key files, and wakes subscribers of its topics. A second signal
// has its default action and ends the command at once, except SIGHUP, which the kernel and the
// shell both send when a terminal is closed.
func untilSignal() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(asked, syscall.SIGHUP)
	}
	// With a handler, a write to a broken pipe is an error and does not kill the process: a server
	// outlives the reader of its log, and other commands end in order.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	ended := make(chan struct{}) // closed by a signal
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-asked:
		}
		close(ended)
		cancel()
		time.Sleep(secondCounts)
		signal.Reset(syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	}()
	return ctx, func() {
		cancel()
		select {
		case <-ended: // keep the handlers: a further signal must not kill the process while it ends
		default:
			signal.Stop(asked)
			signal.Stop(broken)
		}
	}
}

// unread returns syscall.EPIPE if err is a write to out, a pipe that its reader has closed, and
// syscall.EIO if out is a terminal that was closed; else nil.
func unread(err error, out *os.File) error {
	var failed *fs.PathError
	if !errors.As(err, &failed) || failed.Op != "write" || failed.Path != out.Name() {
		return nil
	}
	for _, why := range []error{syscall.EPIPE, syscall.EIO} {
		if errors.Is(failed.Err, why) {
			return why
		}
	}
	return nil
}

// exit ends the process with a status. For exitBrokenPipe it ends by SIGPIPE, which shells and
// service managers expect.
func exit(status int) {
	if status == exitBrokenPipe {
		signal.Reset(syscall.SIGPIPE)
		_, _ = os.Stdout.WriteString("\n") // when this write fails, the Go runtime raises SIGPIPE
	}
	os.Exit(status)
}
