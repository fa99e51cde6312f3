package shm

import (
	"slices"
	"sync"

	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// maxConns are answered at a time. Only those come here that may have something. What a
// client that knows what it wants has to send is there when it comes, so that only those are shown
// out that keep silent.
const maxConns = 64

// connSet are the clients at a door. The zero value is ready.
type connSet struct {
	mu   sync.Mutex
	all  []*peers.Conn // oldest first
	done sync.WaitGroup
}

// serve has answer talk to a client, beside the others, and closes the connection. If there are
// too many, one of them is shown out.
func (v *connSet) serve(c *peers.Conn, answer func()) {
	v.mu.Lock()
	v.all = append(v.all, c)
	v.mu.Unlock()
	v.done.Go(func() {
		answer()
		v.remove(c)
		_ = c.Close()
	})
	if v.count() > maxConns {
		v.closeOldest()
	}
}

func (v *connSet) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.all)
}

// closeOldest ends the oldest connection of the user that has the most: a user that comes often is
// in its own way alone.
func (v *connSet) closeOldest() {
	v.mu.Lock()
	defer v.mu.Unlock()
	has, most := map[int]int{}, 0
	for _, c := range v.all {
		has[c.UID]++
		most = max(most, has[c.UID])
	}
	for i, c := range v.all {
		if has[c.UID] == most {
			v.all = slices.Delete(v.all, i, i+1)
			_ = c.Close()
			return
		}
	}
}

func (v *connSet) remove(c *peers.Conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = slices.DeleteFunc(v.all, func(other *peers.Conn) bool { return other == c })
}

// closeAll shows all clients out and waits until they have left; none may come any more.
func (v *connSet) closeAll() {
	v.mu.Lock()
	for _, c := range v.all {
		_ = c.Close()
	}
	v.mu.Unlock()
	v.done.Wait()
}
