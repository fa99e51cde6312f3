// Package stdio reads and writes standard input and output, and writes the files that a command's
// user names.
package stdio

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// File is a file whose Read and Write wait even if the file is non-blocking. Other processes often
// share standard input, output and error, and if one of them sets O_NONBLOCK it is set for all:
// then an os.File that was created as blocking returns EAGAIN in the middle of a write.
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

// WriteString is Write of a string.
func (f File) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

// ReadFrom hides the method of os.File, which would not use Write.
func (f File) ReadFrom(r io.Reader) (int64, error) { return io.Copy(onlyWriter{f}, r) }

// Read waits until there is data or the end of the file.
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

// WriteTo hides the method of os.File, which would not use Read.
func (f File) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, onlyReader{f}) }

type (
	onlyWriter struct{ io.Writer }
	onlyReader struct{ io.Reader }
)

// wait waits until the file is ready. The next read or write returns the error of a broken file.
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
