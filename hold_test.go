package framebuffer_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
)

// A held frame stays while writers go on, for its holder and for everybody; then it goes.
func TestHold(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<18)
	reader := ringtest.Attach(t, s.Key())
	f, err := c.Put(ringtest.Bytes(1, 20_000))
	if err != nil {
		t.Fatal(err)
	}
	h, err := reader.Hold(f, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ringtest.Fill(t, c)
	}
	if !bytes.Equal(h.Bytes(), ringtest.Bytes(1, 20_000)) || h.Err() != nil || h.Frame() != f {
		t.Errorf("not what it was: %v", h.Err())
	}
	if got, err := c.Get(f); err != nil || !bytes.Equal(got, ringtest.Bytes(1, 20_000)) {
		t.Errorf("read by somebody else: %v", err)
	}
	if st := c.Stats(); st.Held == 0 || st.Held > 30_000 {
		t.Errorf("%d bytes held", st.Held)
	}
	if err := h.Extend(time.Minute); err != nil {
		t.Error(err)
	}
	if err := h.Release(); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{"Err": h.Err(), "Extend": h.Extend(time.Second), "Release": h.Release()} {
		if !errors.Is(err, framebuffer.ErrClosed) {
			t.Errorf("%s after Release: %v", what, err)
		}
	}
	ringtest.Fill(t, c)
	if _, err := c.Get(f); !errors.Is(err, framebuffer.ErrTimeout) || c.Stats().Held != 0 {
		t.Errorf("after Release: %v", err)
	}
}

// A hold that runs out tells so.
func TestHoldRunsOut(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<18)
	f, err := c.Put(ringtest.Bytes(1, 20_000))
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.Hold(f, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	for c.Stats().Held != 0 {
		ringtest.Fill(t, c)
	}
	ringtest.Fill(t, c)
	if err := h.Err(); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("Err: %v", err)
	}
	if err := h.Extend(time.Second); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("Extend: %v", err)
	}
	if err := h.Release(); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("Release: %v", err)
	}
}

func TestHoldRefuses(t *testing.T) {
	s, err := framebuffer.NewServer(1<<18, &framebuffer.ServerOptions{HoldLimit: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := ringtest.Attach(t, s.Key())
	f, err := c.Put(ringtest.Bytes(1, 40_000))
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.Put(ringtest.Bytes(2, 40_000))
	if err != nil {
		t.Fatal(err)
	}
	hold := func(f framebuffer.Frame, d time.Duration) error {
		h, err := c.Hold(f, d)
		if err == nil {
			err = h.Release()
		}
		return err
	}
	h, err := c.Hold(f, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	wrong := f
	wrong.Checksum++
	for what, c := range map[string]struct{ err, want error }{
		"no time":       {hold(f, 0), framebuffer.ErrBadSize},
		"too long":      {hold(f, framebuffer.MaxHold+1), framebuffer.ErrBadSize},
		"over limit":    {hold(other, time.Second), framebuffer.ErrHoldLimit},
		"other ring":    {hold(framebuffer.Frame{Key: "x"}, time.Second), framebuffer.ErrBadKey},
		"wrong bytes":   {hold(wrong, time.Second), framebuffer.ErrTimeout},
		"the same":      {hold(f, time.Second), nil},
		"the whole max": {hold(f, framebuffer.MaxHold), nil},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", what, c.err, c.want)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if s.Stats().Held != 0 {
		t.Error("held after the holder's Close")
	}
	for what, err := range map[string]error{"Err": h.Err(), "Extend": h.Extend(time.Second), "Release": h.Release(), "Hold": hold(f, time.Second)} {
		if !errors.Is(err, framebuffer.ErrClosed) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
}
