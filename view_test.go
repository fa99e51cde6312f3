package framebuffer_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
)

var errLook = errors.New("what the callback says")

// A view sees the bytes in place, and what its callback returns is told if they stayed.
func TestView(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<16)
	reader := ringtest.Attach(t, s.Key())
	f, err := c.Put(ringtest.Bytes(1, 10_000))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{nil, errLook} {
		err := reader.View(f, func(p []byte) error {
			if !bytes.Equal(p, ringtest.Bytes(1, 10_000)) || cap(p) != len(p) {
				t.Error("other bytes, or more of them")
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if n := reader.Stats().Total.Reads; n != 1 {
		t.Errorf("%d reads counted: only those that the callback accepted are", n)
	}
}

// A frame that is overwritten while the callback looks is a timeout, whatever that returns.
func TestViewIsOverwritten(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<16)
	for _, says := range []error{nil, errLook} {
		f, err := c.Put(ringtest.Bytes(1, 10_000))
		if err != nil {
			t.Fatal(err)
		}
		err = c.View(f, func([]byte) error {
			ringtest.Fill(t, c)
			return says
		})
		if !errors.Is(err, framebuffer.ErrTimeout) || errors.Is(err, errLook) {
			t.Errorf("%v", err)
		}
		called := false
		if err := c.View(f, func([]byte) error { called = true; return nil }); !errors.Is(err, framebuffer.ErrTimeout) || called {
			t.Errorf("a dead frame: %v, called %v", err, called)
		}
	}
	if n := c.Stats().Total.Overwritten; n != 4 {
		t.Errorf("%d timeouts counted", n)
	}
}

// What is not what was written does not reach the callback, but through a client that asked
// for that.
func TestViewVerifies(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<16)
	f, err := c.Put(ringtest.Bytes(1, 10_000))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(f.Offset, ringtest.Bytes(2, 10_000)); err != nil {
		t.Fatal(err)
	}
	if err := c.View(f, func([]byte) error { t.Error("called"); return nil }); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("%v", err)
	}
	trusting, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{Unverified: true})
	if err != nil {
		t.Fatal(err)
	}
	defer trusting.Close()
	called := false
	if err := trusting.View(f, func([]byte) error { called = true; return nil }); err != nil || !called {
		t.Errorf("%v, called %v", err, called)
	}
	if _, err := trusting.Get(f); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("copies are verified all the same: %v", err)
	}
}

func TestViewRefuses(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<16)
	f, err := c.Put(ringtest.Bytes(1, 100))
	if err != nil {
		t.Fatal(err)
	}
	look := func(f framebuffer.Frame) error {
		return c.View(f, func([]byte) error { t.Error("called"); return nil })
	}
	for what, c := range map[string]struct {
		f    framebuffer.Frame
		want error
	}{
		"other ring":    {framebuffer.Frame{Key: "x"}, framebuffer.ErrBadKey},
		"no chunk":      {framebuffer.Frame{Key: f.Key, Offset: 1}, framebuffer.ErrBadOffset},
		"too long":      {framebuffer.Frame{Key: f.Key, Offset: f.Offset, Size: 101}, framebuffer.ErrBadSize},
		"negative size": {framebuffer.Frame{Key: f.Key, Offset: f.Offset, Size: -1}, framebuffer.ErrBadSize},
	} {
		if err := look(c.f); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := c.View(f, func([]byte) error { return c.Close() }); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("closed under the callback: %v", err)
	}
	if err := look(f); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Code that keeps a view's slice sees other frames' bytes there later, which nothing
// protects it from, and zeroes once the client is closed.
func TestSliceKeptAfterView(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<16)
	f, err := c.Put(bytes.Repeat([]byte{7}, 1000))
	if err != nil {
		t.Fatal(err)
	}
	var kept []byte
	if err := c.View(f, func(p []byte) error { kept = p; return nil }); err != nil {
		t.Fatal(err)
	}
	ringtest.Fill(t, c)
	if kept[500] == 7 {
		t.Error("the ring went round and the bytes are the same")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, make([]byte, 1000)) {
		t.Error("not zeroes after Close")
	}
}
