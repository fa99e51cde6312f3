package system_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestAttachAsAnotherUser(t *testing.T) {
	testproc.NeedRoot(t)
	s, _ := ringtest.Serve(t, 1<<20)
	p := testproc.StartWith(t, []testproc.Option{testproc.As(65534, 65534)}, "attach", s.Key())
	var said attachResult
	p.Recv(&said)
	p.Done()
	if !said.Permission || !strings.Contains(said.Err, "65534") {
		t.Errorf("another user got %+v", said)
	}
}

func TestAttachInAnotherNamespace(t *testing.T) {
	testproc.NeedRoot(t)
	s, _ := ringtest.ServeOn(t, "sysv", 1<<20)
	p := testproc.StartWith(t, []testproc.Option{testproc.Namespaces(syscall.CLONE_NEWIPC)}, "attach", s.Key())
	var said attachResult
	p.Recv(&said)
	p.Done()
	if !said.Stale || !strings.Contains(said.Err, "IPC namespace") {
		t.Errorf("another namespace got %+v", said)
	}
}

type attachResult struct {
	Err               string
	Permission, Stale bool
}

func roleAttach(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], nil)
	if err == nil {
		return errors.Join(c.Send(attachResult{}), client.Close())
	}
	return c.Send(attachResult{err.Error(), errors.Is(err, os.ErrPermission), errors.Is(err, framebuffer.ErrStaleKey)})
}

// A killed client is not listed any more, its slot is taken by the next, and what it counted stays.
func TestSlotOfAKilledClientIsReused(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<20)
	for range 3 {
		p := testproc.Start(t, "put", s.Key(), "1", "1", "1")
		var d descriptor
		p.Recv(&d)
		p.Kill()
	}
	if st, all := c.Stats(), attachedTo(t, c); len(all) != 2 || st.Total.Writes < 3 {
		t.Errorf("%+v", st)
	}
	next := ringtest.Attach(t, s.Key())
	if slot := next.Segment().Slot.Index; slot != 3 {
		t.Errorf("the next client has slot %d, want that of the killed ones, 3", slot)
	}
	if st, all := c.Stats(), attachedTo(t, c); len(all) != 3 || st.Total.Writes < 3 {
		t.Errorf("%+v", st)
	}
}
