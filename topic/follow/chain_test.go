package follow

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// What cannot be followed ends everything, with that error, and only after the old ring was read.
func TestSuccessorThatCannotBeFollowed(t *testing.T) {
	for _, no := range []error{framebuffer.ErrBadKey, framebuffer.ErrPermission} {
		s := begin(t)
		c := New(s.attach(t), &Options{Find: func(context.Context, string) (*framebuffer.Client, error) { return nil, no }})
		pub, err := c.Publisher("cam")
		if err != nil {
			t.Fatal(err)
		}
		sub := subscribe(t, c, nil)
		publish(t, pub, 1)
		s.stop()
		<-c.Done()
		want(t, sub, [3]uint64{0, 0, 0})
		if _, err := sub.Next(within(t)); !errors.Is(err, no) {
			t.Errorf("next: %v, want %v", err, no)
		}
		if _, err := pub.Publish([]byte("x"), nil); !errors.Is(err, no) {
			t.Errorf("publish: %v, want %v", err, no)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A chain of one ring ends with it, and keeps what lies in it.
func TestStay(t *testing.T) {
	s := begin(t)
	c := New(s.attach(t), &Options{Stay: true})
	defer c.Close()
	pub, err := c.Publisher("cam")
	if err != nil {
		t.Fatal(err)
	}
	sub := subscribe(t, c, nil)
	publish(t, pub, 1)
	s.stop()
	<-c.Done()
	want(t, sub, [3]uint64{0, 0, 0})
	if _, err := sub.Next(within(t)); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("next: %v", err)
	}
	if _, err := pub.Publish([]byte("x"), nil); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("publish: %v", err)
	}
}

// Close ends calls that wait, with a server and without.
func TestClose(t *testing.T) {
	for _, there := range []bool{true, false} {
		for _, all := range []bool{true, false} {
			s := begin(t)
			c, _ := s.chain(t)
			sub := subscribe(t, c, nil)
			if !there {
				s.stop()
			}
			end := make(chan error)
			go func() {
				_, err := sub.Next(within(t))
				end <- err
			}()
			if all {
				_ = c.Close()
			} else {
				_ = sub.Close()
			}
			if err := <-end; !errors.Is(err, framebuffer.ErrClosed) {
				t.Errorf("with a server %v, all closed %v: %v", there, all, err)
			}
		}
	}
}

// A hold keeps its ring until it is released or has run out, and no longer.
func TestHold(t *testing.T) {
	for _, release := range []bool{true, false} {
		s := begin(t)
		c, _ := s.chain(t)
		f, err := c.Ring().Put([]byte("held"))
		if err != nil {
			t.Fatal(err)
		}
		most := time.Minute
		if !release {
			most = 2 * time.Second
		}
		h, err := c.Hold(f, most)
		if err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(most)
		old := c.Ring()
		s.stop()
		if release {
			time.Sleep(2 * grace)
			if string(h.Bytes()) != "held" || h.Release() != nil {
				t.Error("the hold ended with its server")
			}
		}
		for old.Stats().Capacity != 0 {
			time.Sleep(time.Millisecond)
		}
		if early := time.Until(end); !release && early > 0 {
			t.Errorf("let go of %v too early", early)
		}
		s.start() // for the cleanup
	}
}
