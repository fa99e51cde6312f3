package shm

import (
	"slices"
	"sync"

	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// maxConns limits the concurrent connections. When it is exceeded, one of the oldest is closed. A
// well-behaved client sends its request immediately, so only idle connections are dropped.
const maxConns = 64

// connSet is the set of open connections. The zero value is ready.
type connSet struct {
	mu   sync.Mutex
	all  []*peers.Conn // oldest first
	done sync.WaitGroup
}

// serve calls answer on a goroutine of its own and closes the connection afterwards. If there are too
// many connections, it closes one of the oldest.
func (s *connSet) serve(c *peers.Conn, answer func()) {
	s.mu.Lock()
	s.all = append(s.all, c)
	s.mu.Unlock()
	s.done.Go(func() {
		answer()
		s.remove(c)
		_ = c.Close()
	})
	if s.count() > maxConns {
		s.closeOldest()
	}
}

func (s *connSet) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// closeOldest closes the oldest connection of the user with the most connections, so that a user that
// connects often harms only itself.
func (s *connSet) closeOldest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	has, most := map[int]int{}, 0
	for _, c := range s.all {
		has[c.UID]++
		most = max(most, has[c.UID])
	}
	for i, c := range s.all {
		if has[c.UID] == most {
			s.all = slices.Delete(s.all, i, i+1)
			_ = c.Close()
			return
		}
	}
}

func (s *connSet) remove(c *peers.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(other *peers.Conn) bool { return other == c })
}

// closeAll closes all connections and waits for their goroutines. serve may not be called any more.
func (s *connSet) closeAll() {
	s.mu.Lock()
	for _, c := range s.all {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}
