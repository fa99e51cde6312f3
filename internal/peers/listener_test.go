package peers

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{"exhausted": exhaustedRole, "trust": roleTrust})
}

// all lets every visitor in.
func all(Peer, func() ([]int, error)) []byte { return nil }

// shortDir is a directory whose path is short enough for a socket.
func shortDir() (string, error) { return os.MkdirTemp("", "fb") }

// exhaustedRole: listens, and has no descriptor left -> the path; then whether a visitor was told.
func exhaustedRole(c *testproc.Child) (err error) {
	dir, err := shortDir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "s")
	l, err := Listen(path)
	if err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}); err != nil {
		return err
	}
	for {
		if _, err := unix.Dup(0); errors.Is(err, unix.EMFILE) {
			break
		} else if err != nil {
			return err
		}
	}
	if err := c.Send(path); err != nil {
		return err
	}
	for range 3 * reserved { // also more often than there are descriptors in reserve
		v, err := l.Accept(all)
		if err != nil {
			return err
		}
		_, err = v.Write([]byte("y"))
		if err := errors.Join(err, v.Close()); err != nil {
			return err
		}
	}
	return l.Close()
}

// A process that has no descriptor left answers its visitors nonetheless, one after the other.
func TestNoDescriptorLeft(t *testing.T) {
	p := testproc.Start(t, "exhausted")
	var path string
	p.Recv(&path)
	for range 3 * reserved {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		var word [1]byte
		if _, err := c.Read(word[:]); err != nil || word[0] != 'y' {
			t.Errorf("%q, %v", word, err)
		}
		_ = c.Close()
	}
	p.Done()
}

// A listener closes while processes that it refuses come without end.
func TestCloseUnderAFlood(t *testing.T) {
	l, err := Listen("@framebuffer-test-" + filepath.Base(t.TempDir()) + t.Name())
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan struct{}, 1)
	accepted := make(chan error, 1)
	go func() {
		_, err := l.Accept(func(Peer, func() ([]int, error)) []byte {
			// Before the next look there is another visitor.
			c, err := net.Dial("unix", l.file.Name())
			if err == nil {
				_ = c.Close()
			}
			select {
			case refused <- struct{}{}:
			default:
			}
			return []byte("n")
		})
		accepted <- err
	}()
	c, err := net.Dial("unix", l.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-refused
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-accepted; !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
}

func TestAcceptEndsWithClose(t *testing.T) {
	l, err := Listen("@framebuffer-test-" + t.Name() + filepath.Base(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := l.Accept(all)
		ended <- err
	}()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
}
