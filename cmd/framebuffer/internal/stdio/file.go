// Package stdio is for the files that a process was started with, and for files that it is told
// to write.
package stdio

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// File is a file whose Read and Write wait, also if it does not block. Standard input, output and
// error are often shared with other processes, and one that sets O_NONBLOCK sets it for all: then
// an os.File that was blocking when it was made returns EAGAIN in the middle of a write.
type File struct{ *os.File }

// Write writes all of p, or returns an error that is not EAGAIN.
func (f File) Write(p []byte) (n int, err error) {
	for {
		m, err := f.File.Write(p[n:])
		n += max(m, 0)
		if !errors.Is(err, syscall.EAGAIN) {
			return n, err
		}
		if err := f.wait(unix.POLLOUT); err != nil {
			return n, err
		}
	}
}

// WriteString is Write.
func (f File) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

// ReadFrom hides that of os.File, which writes by itself.
func (f File) ReadFrom(r io.Reader) (int64, error) { return io.Copy(onlyWriter{f}, r) }

// Read waits until there is something, or the end.
func (f File) Read(p []byte) (int, error) {
	for {
		n, err := f.File.Read(p)
		if n > 0 || !errors.Is(err, syscall.EAGAIN) {
			return n, err
		}
		if err := f.wait(unix.POLLIN); err != nil {
			return 0, err
		}
	}
}

// WriteTo hides that of os.File, which reads by itself.
func (f File) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, onlyReader{f}) }

type (
	onlyWriter struct{ io.Writer }
	onlyReader struct{ io.Reader }
)

// wait waits for the file. Of one that is broken the next read or write tells.
func (f File) wait(events int16) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var waited error
	err = raw.Control(func(fd uintptr) {
		for {
			_, waited = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, -1)
			if !errors.Is(waited, syscall.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, waited)
}
