package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// input reads a file until a context is done: a read(2) that waits for a pipe would not hear
// of it, and the memory it reads into may be the ring's, which must not go away under it.
type input struct {
	ctx  context.Context //nolint:containedctx // an io.Reader has no other way to get one
	file *os.File
	wake *os.File // readable when the context is done
}

// pipeSize is what pipes are made as large as: fewer system calls for a frame. It is what
// anybody may ask for unless the system says otherwise.
const pipeSize = 1 << 20

// newInput returns file's input, without the end of ctx if the system has no pipe left.
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

// widen makes a pipe larger, where it is one and may be.
func widen(file *os.File) {
	_, _ = unix.FcntlInt(file.Fd(), unix.F_SETPIPE_SZ, pipeSize)
}

// Read waits for the file or the end of the context, whose error it returns then, or why there is
// no server.
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
		// Another process may have read it meanwhile, of a file that does not block.
		n, err := in.file.Read(p)
		if n > 0 || !errors.Is(err, syscall.EAGAIN) {
			return n, err
		}
	}
}

// noServer is the cause of a context that ended because no server is there, and none comes.
type noServer struct{ error }

// Unwrap is why.
func (n noServer) Unwrap() error { return n.error }

// over is ctx's error, or why there is no server if that is why ctx is done.
func over(ctx context.Context) error {
	var none noServer
	if errors.As(context.Cause(ctx), &none) {
		return none.error
	}
	return ctx.Err()
}
