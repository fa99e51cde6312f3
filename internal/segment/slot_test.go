package segment_test

import (
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
)

// attachedTo returns the attached clients that have a slot.
func attachedTo(t *testing.T, c *framebuffer.Client) []monitor.Client {
	t.Helper()
	s, err := monitor.Look(c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Clients
}

// Totals never shrink, whoever leaves; and those who left are no longer listed.
func TestTotalsOutliveClients(t *testing.T) {
	s, stay := ringtest.Serve(t, 1<<20)
	for i := range 3 {
		c, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{Name: "guest"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Put(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if all := attachedTo(t, stay); len(all) != 3 || all[2].Name != "guest" || all[2].Counts[monitor.Writes] != 1 {
			t.Errorf("with a guest: %+v", all)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if st, all := stay.Stats(), attachedTo(t, stay); len(all) != 2 || st.Total.Writes != uint64(i+1) || st.Total.WrittenBytes != uint64(i+1)*100 {
			t.Errorf("after guest %d: %d clients, %+v", i, len(all), st.Total)
		}
	}
}

// More clients than slots all work; the surplus counts together.
func TestMoreClientsThanSlots(t *testing.T) {
	s, first := ringtest.Serve(t, 1<<20)
	for range layout.SlotCount + 3 {
		if _, err := ringtest.Attach(t, s.Key()).Put([]byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	st, all := first.Stats(), attachedTo(t, first)
	if len(all) != layout.SlotCount-1 || st.Total.Writes != layout.SlotCount+3 {
		t.Errorf("%d slots listed, %d writes counted", len(all), st.Total.Writes)
	}
}

// A slot tells which frame its client wrote, read or looked at last.
func TestSlotTellsTheLastFrame(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<20)
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
	s, stay := ringtest.Serve(t, 1<<20)
	for i := range uint64(2) {
		c, err := framebuffer.Attach(s.Key(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if one := attachedTo(t, stay)[2]; one.Why != "" || one.Counts != (monitor.Counts{}) {
			t.Errorf("of the one before: %+v", one)
		}
		monitor.CountRemote(c, monitor.NotOnHost, 100, true)
		monitor.CountRemote(c, monitor.NotPermitted, 0, false)
		if one := attachedTo(t, stay)[2]; one.Why != monitor.NotPermitted || one.Counts != (monitor.Counts{monitor.RemoteReads: 1, monitor.RemoteReadBytes: 100, monitor.RemoteTimeouts: 1}) {
			t.Errorf("%+v", one)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		monitor.CountRemote(c, monitor.NotOnHost, 100, true) // too late: nowhere
		seen, err := monitor.Look(stay)
		if want := (monitor.Counts{monitor.RemoteReads: i + 1, monitor.RemoteReadBytes: 100 * (i + 1), monitor.RemoteTimeouts: i + 1}); err != nil || seen.Total != want {
			t.Errorf("%+v, want %+v (%v)", seen.Total, want, err)
		}
	}
}
