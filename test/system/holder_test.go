package system_test

import (
	"bytes"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// roleHold: KEY NANOSECONDS; holds each frame it gets, and answers with the error.
func roleHold(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], nil)
	if err != nil {
		return err
	}
	ns, err := strconv.ParseInt(c.Args[1], 10, 64)
	if err != nil {
		return err
	}
	for f := (framebuffer.Frame{}); c.Recv(&f) == nil; { // to the end of input
		answer := ""
		if _, err := client.Hold(f, time.Duration(ns)); err != nil {
			answer = err.Error()
		}
		if err := c.Send(answer); err != nil {
			return err
		}
	}
	return nil
}

// A holder that is killed costs its time and nothing more: writers go on around what it
// held, and over it afterwards.
func TestKillHolder(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<18)
	const d = 300 * time.Millisecond
	for range 5 {
		holder := testproc.Start(t, "hold", s.Key(), strconv.Itoa(int(d)))
		f, err := c.Put(ringtest.Bytes(1, 20_000))
		if err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		holder.Send(f)
		var answer string
		holder.Recv(&answer)
		if answer != "" {
			t.Fatal(answer)
		}
		holder.Kill()
		for c.Stats().Held != 0 {
			ringtest.Fill(t, c)
			got, err := c.Get(f)
			if err == nil && !bytes.Equal(got, ringtest.Bytes(1, 20_000)) {
				t.Fatal("wrong bytes")
			}
			if err != nil && time.Since(before) < d {
				t.Fatalf("lost while it was held: %v", err)
			}
		}
		ringtest.Fill(t, c)
		if _, err := c.Get(f); !errors.Is(err, framebuffer.ErrTimeout) {
			t.Fatalf("after the dead holder's time: %v", err)
		}
	}
}
