package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// input reads a file until a context is done. A read(2) that waits for a pipe would not notice the
// end of the context, and it may read into the ring's memory, which must stay mapped until it
// returns.
type input struct {
	ctx  context.Context //nolint:containedctx // Read has no parameter for it
	file *os.File
	wake *os.File // readable when the context is done
}

// pipeSize is the size to which pipes are enlarged, for fewer system calls per frame: the default
// limit for users without privileges.
const pipeSize = 1 << 20

// newInput returns an input of file. If no pipe can be created, the end of ctx does not interrupt
// it.
func newInput(ctx context.Context, file *os.File) *input {
	widen(file)
	in := &input{ctx: ctx, file: file}
	r, w, err := os.Pipe()
	if err != nil {
		return in
	}
	in.wake = r
	context.AfterFunc(ctx, func() { _ = w.Close() })
	return in
}

// widen enlarges a pipe as far as permitted. It has no effect on other files.
func widen(file *os.File) {
	_, _ = unix.FcntlInt(file.Fd(), unix.F_SETPIPE_SZ, pipeSize)
}

// Read waits for the file or the end of the context. Then it returns the error of [over].
func (in *input) Read(p []byte) (int, error) {
	fds := []unix.PollFd{{Fd: int32(in.file.Fd()), Events: unix.POLLIN}}
	if in.wake != nil {
		fds = append(fds, unix.PollFd{Fd: int32(in.wake.Fd()), Events: unix.POLLIN})
	}
	for {
		if err := over(in.ctx); err != nil {
			return 0, err
		}
		_, err := unix.Poll(fds, -1)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("wait for standard input: %w", err)
		}
		if fds[0].Revents == 0 {
			continue
		}
		// Another process may have read the data, if the file does not block.
		n, err := in.file.Read(p)
		if n > 0 || !errors.Is(err, syscall.EAGAIN) {
			return n, err
		}
	}
}

// noServer is the cause of a context that ended because there is no server, and no next one.
type noServer struct{ error }

// Unwrap returns the reason.
func (n noServer) Unwrap() error { return n.error }

// over returns the error of ctx, or the reason in [noServer] if that is its cause.
func over(ctx context.Context) error {
	var none noServer
	if errors.As(context.Cause(ctx), &none) {
		return none.error
	}
	return ctx.Err()
}
