package web

import (
	"net"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// dialerFrom connects from an address that other sockets may have, too.
func dialerFrom(address string) (*net.Dialer, error) {
	from, err := net.ResolveTCPAddr("tcp", address)
	return &net.Dialer{LocalAddr: from, Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) })
		if err == nil {
			err = failed
		}
		return err
	}}, err
}

// Another user connects from the address from which this one is connected to another server at the
// same port: that user gets no frames.
func TestLoopbackFromAnAddressOfTheUser(t *testing.T) {
	testproc.NeedRoot(t)
	s, _ := show(t, "127.0.0.1:0", "secret")
	other, err := net.Listen("tcp", net.JoinHostPort("127.0.0.2", strconv.Itoa(s.address().Port)))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for range 8 { // the kernel's table has an order of its own
		dialer, err := dialerFrom("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		mine, err := dialer.Dial("tcp", other.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer mine.Close()
		var status int
		p := testproc.StartWith(t, []testproc.Option{testproc.As(65534, 65534)}, "get", s.URL(), mine.LocalAddr().String())
		p.Recv(&status)
		p.Done()
		if status != 401 {
			t.Errorf("from %v: %d, want 401", mine.LocalAddr(), status)
		}
	}
}
