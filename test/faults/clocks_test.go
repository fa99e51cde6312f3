//go:build failpoints

package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// Containers can have a time namespace of their own, in which CLOCK_MONOTONIC is another one.
// Holds nevertheless end at the same time for all processes, and none takes a living process for
// a dead one because of the time at which it started.
func TestTimeNamespaces(t *testing.T) {
	testproc.NeedRoot(t)
	for _, seconds := range []int{86_400, -60} {
		t.Run(fmt.Sprint(seconds), func(t *testing.T) {
			w := newWorld(t, "sysv", t.TempDir())
			s := fmt.Sprint(seconds)
			w.victim = newPeer(t, testproc.Through("unshare", "--time", "--monotonic", s, "--boottime", s, "--fork", "--kill-child"))
			w.victim.must(order{Do: "attach", Key: w.key})
			w.frame = w.put(20_000)

			// What is held there is respected here.
			w.victim.must(order{Do: "hold", Frame: w.frame, Time: time.Hour})
			held := w.c.Stats().Held
			for range 3 {
				w.lap()
			}
			if !w.readable(w.frame, 1) || held == 0 {
				t.Errorf("held in another time namespace, and overwritten here (%d bytes held)", held)
			}
			w.inOrder()
			w.victim.must(order{Do: "release"})

			// And the other way round.
			w.frame = w.put(20_000)
			h, err := w.c.Hold(w.frame, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			w.victim.must(order{Do: "put", Size: 4000, Count: 1000})
			if a, err := w.victim.try(order{Do: "get", Frame: w.frame}); err != nil || a.Err != "" || h.Err() != nil {
				t.Errorf("held here, and overwritten in another time namespace: %v %s %v", err, a.Err, h.Err())
			}
			if err := h.Release(); err != nil {
				t.Error(err)
			}

			// A hold that has ended has ended for all.
			w.frame = w.put(20_000)
			w.victim.must(order{Do: "hold", Frame: w.frame, Time: time.Millisecond})
			eventually(t, "the hold is over", func() bool { return w.c.Stats().Held == 0 })
			w.lap()
			if a, err := w.victim.try(order{Do: "extend", Time: time.Second}); err != nil || !a.Timeout {
				t.Errorf("extended after its end: %+v, %v", a, err)
			}

			before := len(clients(w.t, w.c))
			next := newPeer(t)
			next.must(order{Do: "attach", Key: w.key})
			if now := len(clients(w.t, w.c)); now != before+1 {
				t.Errorf("%d slots, then %d: a living process's slot was taken over", before, now)
			}
			w.goesOn()
			next.Done()
			w.victim.Done()
			w.finish()
		})
	}
}
