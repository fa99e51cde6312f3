package segment_test

import (
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
)

// The environment sets how frames are stored; anything else is as without it.
func TestStoresByEnvironment(t *testing.T) {
	s, _ := ringtest.Serve(t, 1<<20)
	usual := copyhash.AutoIn(256<<10).String() + " from 256 KiB, " + copyhash.AutoIn(1<<20).String() + " from 1 MiB"
	for value, want := range map[string]string{
		"": usual, "auto": usual, "fast": usual, "cached": "cached from 256 KiB, cached from 1 MiB", "streaming": "streaming from 256 KiB, streaming from 1 MiB",
	} {
		t.Setenv("FRAMEBUFFER_STORES", value)
		if got := ringtest.Attach(t, s.Key()).Stats().Stores; got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

// How long frames took to read is in the reader's slot, and in slot 0 after it has left. A
// read-only client reports it too.
func TestSlotTellsHowLongReadsTook(t *testing.T) {
	const size = 256 << 10
	s, stay := ringtest.Serve(t, 4<<20)
	ctl := stay.Segment().Control
	f, err := stay.Put(make([]byte, size))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(2) {
		c, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		timed := ctl.Slot(int(c.Segment().Slot.Index)).Timed()
		if timed[layout.TimedBytes].Load() != 0 || timed[layout.TimedNanos].Load() != 0 {
			t.Error("a new client has figures of the one before")
		}
		if _, err := c.Get(f); err != nil {
			t.Fatal(err)
		}
		if timed[layout.TimedBytes].Load() != size || timed[layout.TimedNanos].Load() == 0 {
			t.Errorf("%d bytes in %d ns", timed[layout.TimedBytes].Load(), timed[layout.TimedNanos].Load())
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if rest := ctl.Slot(0).Timed(); rest[layout.TimedBytes].Load() != (i+1)*size || rest[layout.TimedNanos].Load() == 0 {
			t.Errorf("%d bytes in slot 0", rest[layout.TimedBytes].Load())
		}
	}
}
