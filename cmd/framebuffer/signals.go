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

// secondCounts is how long after the first signal another one is taken for the same one: timeout(1)
// sends each of its signals twice, and a service manager sends SIGHUP behind SIGTERM.
const secondCounts = 500 * time.Millisecond

// exitBrokenPipe is the status of a command whose output has no reader any more, as shells show
// the death by SIGPIPE.
const exitBrokenPipe = 128 + int(syscall.SIGPIPE)

// untilSignal returns a context that ends with the first signal that asks a command to end:
// SIGINT, SIGTERM, SIGQUIT, and SIGHUP unless the command was started with that ignored, as
// nohup(1) does. The command then ends in order: sockets and key files are removed, and those
// who wait at topics are told. A second signal finds the default handler and ends it at once, but
// not SIGHUP, which the kernel and the shell both send when a terminal is closed.
func untilSignal() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(asked, syscall.SIGHUP)
	}
	// A write to a broken pipe is an error then, and not the sudden end of the process: a server
	// outlives the reader of its log, and the others end in order.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	ended := make(chan struct{}) // by a signal
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
		case <-ended: // one that comes behind it finds the process on its way out, and does not kill it there
		default:
			signal.Stop(asked)
			signal.Stop(broken)
		}
	}
}

// unread is what a failed write says of the output's reader: syscall.EPIPE when it has closed
// the pipe, syscall.EIO when the output is a terminal that was closed.
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

// exit ends the process with a status. That of a broken pipe becomes the death by SIGPIPE, as
// shells and service managers know it.
func exit(status int) {
	if status == exitBrokenPipe {
		signal.Reset(syscall.SIGPIPE)
		_, _ = os.Stdout.WriteString("\n") // the Go runtime dies by the signal when this write fails
	}
	os.Exit(status)
}
