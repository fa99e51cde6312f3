package segment_test

import (
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Totals never shrink, whoever leaves; and those who left are no longer listed.
func TestTotalsOutliveClients(t *testing.T) {
	s, stay := serve(t, 1<<20)
	for i := range 3 {
		c, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{Name: "guest"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Put(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if st := stay.Stats(); len(st.Clients) != 3 || st.Clients[2].Name != "guest" || st.Clients[2].Counts.Writes != 1 {
			t.Errorf("with a guest: %+v", st.Clients)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if st := stay.Stats(); len(st.Clients) != 2 || st.Total.Writes != uint64(i+1) || st.Total.WrittenBytes != uint64(i+1)*100 {
			t.Errorf("after guest %d: %d clients, %+v", i, len(st.Clients), st.Total)
		}
	}
}

// More clients than slots all work; the surplus counts together.
func TestMoreClientsThanSlots(t *testing.T) {
	s, first := serve(t, 1<<20)
	for range layout.SlotCount + 3 {
		if _, err := attach(t, s.Key()).Put([]byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	st := first.Stats()
	if len(st.Clients) != layout.SlotCount-1 || st.Total.Writes != layout.SlotCount+3 {
		t.Errorf("%d slots listed, %d writes counted", len(st.Clients), st.Total.Writes)
	}
}

// A slot tells which frame its client wrote, read or looked at last.
func TestSlotTellsTheLastFrame(t *testing.T) {
	_, c := serve(t, 1<<20)
	in := c.Segment()
	last := func() uint64 { return in.Control.Slot(int(in.Slot.Index)).Last().Load() }
	a, err := c.Put([]byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Put([]byte("b"))
	if err != nil || last() != b.Offset {
		t.Fatalf("wrote %d: %v, but the last is %d", b.Offset, err, last())
	}
	for name, read := range map[string]func(framebuffer.Frame) error{
		"get":  func(f framebuffer.Frame) error { _, err := c.Get(f); return err },
		"view": func(f framebuffer.Frame) error { return c.View(f, func([]byte) error { return nil }) },
		"hold": func(f framebuffer.Frame) error { _, err := c.Hold(f, time.Second); return err },
	} {
		for _, f := range []framebuffer.Frame{a, b} {
			if err := read(f); err != nil || last() != f.Offset {
				t.Errorf("%s of %d: %v, and the last is %d", name, f.Offset, err, last())
			}
		}
	}
}

// What came over a network is counted with who got it, in no figure of the ring, and stays when
// that client leaves.
func TestSlotTellsWhatCameFromElsewhere(t *testing.T) {
	s, stay := serve(t, 1<<20)
	for i := range uint64(2) {
		c, err := framebuffer.Attach(s.Key(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if st := stay.Stats(); st.Clients[2].Why != "" || st.Clients[2].Counts != (framebuffer.Counts{}) {
			t.Errorf("of the one before: %+v", st.Clients[2])
		}
		remote := c.Segment().Slot.CountExternal
		remote(layout.ExternalAbsent, 100, true)
		remote(layout.ExternalDenied, 0, false)
		if st := stay.Stats(); st.Clients[2].Why != "not permitted" || st.Clients[2].Counts != (framebuffer.Counts{RemoteReads: 1, RemoteBytes: 100, RemoteTimeouts: 1}) {
			t.Errorf("%+v", st.Clients[2])
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		remote(layout.ExternalAbsent, 100, true) // too late: nowhere
		if got, want := stay.Stats().Total, (framebuffer.Counts{RemoteReads: i + 1, RemoteBytes: 100 * (i + 1), RemoteTimeouts: i + 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}
