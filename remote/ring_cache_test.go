package remote

import (
	"fmt"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// Beyond ringsKeptIdle rings, those that nothing was read from for a while go, the one used longest ago first; beyond most,
// any; and none that was just used.
func TestRingsAreEvicted(t *testing.T) {
	s := newRingCache(func(string) (*framebuffer.Client, error) { return nil, framebuffer.ErrStaleKey })
	add := func(i int) (gone []string) {
		t.Helper()
		w, surplus := s.get(fmt.Sprint(i))
		if w == nil || w.attach() != nil || w.result.Load().why == nil {
			t.Fatalf("ring %d: %+v", i, w)
		}
		for _, one := range surplus {
			gone = append(gone, one.key)
		}
		return gone
	}
	for i := range maxRings {
		if gone := add(i); gone != nil {
			t.Fatalf("for ring %d: %v went", i, gone)
		}
	}
	if gone := fmt.Sprint(add(maxRings)); gone != "[0]" {
		t.Errorf("for one too many: %s", gone)
	}
	add(1) // so that 2 is the oldest
	for _, w := range s.all()[:5] {
		w.lastUsed = w.lastUsed.Add(-2 * idleRingLimit)
	}
	if gone := fmt.Sprint(add(maxRings + 1)); gone != "[2 3 4 5 6]" {
		t.Errorf("after a while: %s", gone)
	}
	for _, w := range s.all() {
		w.lastUsed = time.Time{}
	}
	if gone := add(maxRings + 2); len(s.all()) != ringsKeptIdle || gone[0] != "7" {
		t.Errorf("after a long while: %d are left, %v went", len(s.all()), gone)
	}
	if all := s.close(); len(all) != ringsKeptIdle {
		t.Errorf("%d closed", len(all))
	}
	if w, _ := s.get("1"); w != nil {
		t.Error("a ring after close")
	}
}

// A ring whose server has ended is let go of when nothing was read from it since; others stay.
func TestEndedRingsAreRemoved(t *testing.T) {
	s := newRingCache(func(key string) (*framebuffer.Client, error) { return framebuffer.Attach(key, nil) })
	attach := func() (*framebuffer.Server, *cachedRing) {
		server, err := framebuffer.NewServer(1<<16, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		w, _ := s.get(server.Key())
		if err := w.attach(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.result.Load().client.Close() })
		return server, w
	}
	ends, ended := attach()
	_, stays := attach()
	if over := s.removeEnded(time.Now()); over != nil {
		t.Errorf("%d rings went while their servers run", len(over))
	}
	if err := ends.Close(); err != nil {
		t.Fatal(err)
	}
	if over := s.removeEnded(ended.lastUsed); over != nil {
		t.Error("a ring went that was just read from")
	}
	if over := s.removeEnded(time.Now()); len(over) != 1 || over[0] != ended {
		t.Errorf("%d rings went, want the one whose server has ended", len(over))
	}
	if all := s.all(); len(all) != 1 || all[0] != stays {
		t.Errorf("%d rings stay, want the other", len(all))
	}
}
