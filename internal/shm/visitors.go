package shm

import (
	"net"
	"sync"
)

// most visitors are answered at a time; another one shows out who has been there longest.
// What a client that knows what it wants has to send is there when it comes, so that only
// those are shown out who keep silent.
const mostVisitors = 64

// visitors are the clients at a door. The zero value is ready.
type visitors struct {
	mu   sync.Mutex
	all  []*net.UnixConn // oldest first
	gone sync.WaitGroup
}

// receive has answer talk to a client, beside the others, and closes the connection.
func (v *visitors) receive(c *net.UnixConn, answer func(*net.UnixConn)) {
	v.mu.Lock()
	if len(v.all) == mostVisitors {
		_ = v.all[0].Close()
		v.all = v.all[1:]
	}
	v.all = append(v.all, c)
	v.mu.Unlock()
	v.gone.Go(func() {
		answer(c)
		v.leave(c)
		_ = c.Close()
	})
}

func (v *visitors) leave(c *net.UnixConn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, other := range v.all {
		if other == c {
			v.all = append(v.all[:i:i], v.all[i+1:]...)
			return
		}
	}
}

// dismiss shows everybody out and waits until they have left; none may come any more.
func (v *visitors) dismiss() {
	v.mu.Lock()
	for _, c := range v.all {
		_ = c.Close()
	}
	v.mu.Unlock()
	v.gone.Wait()
}
