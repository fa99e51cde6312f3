package remote

import (
	"container/list"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

const (
	// maxRings is how many rings a reader remembers at a time. Each that it is attached to costs
	// address space and a client slot of its segment.
	maxRings = 256

	// Above ringsKeptIdle rings, the reader drops those that it has not read from for idleRingLimit.
	ringsKeptIdle = 16
	idleRingLimit = time.Minute

	// endedRingGrace is how long after the last read a reader keeps a ring whose server has closed:
	// until then the ring's memory is not free for the next server.
	endedRingGrace = time.Second
)

// cachedRing is one ring that a reader has read from: attached to, or known to be remote.
type cachedRing struct {
	key      string
	lastUsed time.Time    // guarded by ringCache.mu
	attach   func() error // attaches once; concurrent callers wait for the result
	result   atomic.Pointer[attachResult]
}

// attachResult is the result of an attempt to attach that succeeded or showed that the ring is remote.
type attachResult struct {
	client *framebuffer.Client // nil: the ring is remote
	source source
	why    error // the error of framebuffer.Attach, if the ring is remote
}

// isRemote reports whether the error of framebuffer.Attach allows that the ring is on another host.
func isRemote(err error) bool {
	return errors.Is(err, framebuffer.ErrStaleKey) || errors.Is(err, framebuffer.ErrPermission)
}

// ringCache holds the rings that a reader has read from recently. Its methods may be called
// concurrently. It never closes a client: the caller closes those of the rings that it gets back.
type ringCache struct {
	attach func(key string) (*framebuffer.Client, error)

	mu    sync.Mutex
	byKey map[string]*list.Element // of *cachedRing
	order *list.List               // least recently used first; nil after close
}

func newRingCache(attach func(key string) (*framebuffer.Client, error)) *ringCache {
	return &ringCache{attach: attach, byKey: map[string]*list.Element{}, order: list.New()}
}

// get returns the ring with that key, and the rings that it evicted. The ring is nil after close.
func (c *ringCache) get(key string) (ring *cachedRing, evicted []*cachedRing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.order == nil {
		return nil, nil
	}
	now := time.Now()
	if e := c.byKey[key]; e != nil {
		c.order.MoveToBack(e)
		ring = e.Value.(*cachedRing)
		ring.lastUsed = now
		return ring, nil
	}
	ring = c.newRing(key, now)
	c.byKey[key] = c.order.PushBack(ring)
	for n := c.order.Len(); n > ringsKeptIdle; n-- {
		oldest := c.order.Front()
		if n <= maxRings && now.Sub(oldest.Value.(*cachedRing).lastUsed) < idleRingLimit {
			break
		}
		evicted = append(evicted, c.removeElement(oldest))
	}
	return ring, evicted
}

func (c *ringCache) newRing(key string, now time.Time) *cachedRing {
	ring := &cachedRing{key: key, lastUsed: now}
	ring.attach = sync.OnceValue(func() error {
		client, err := c.attach(key)
		switch {
		case err == nil:
			ring.result.Store(&attachResult{client: client, source: attachedRing{client}})
		case isRemote(err):
			ring.result.Store(&attachResult{source: remoteRing{err}, why: err})
		default:
			return err
		}
		return nil
	})
	return ring
}

func (c *ringCache) removeElement(e *list.Element) *cachedRing {
	ring := c.order.Remove(e).(*cachedRing)
	delete(c.byKey, ring.key)
	return ring
}

// remove removes a ring if the cache still holds it.
func (c *ringCache) remove(ring *cachedRing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[ring.key]; e != nil && e.Value == ring {
		c.removeElement(e)
	}
}

// removeEnded removes and returns the rings whose server has closed and that were last used before
// that time.
func (c *ringCache) removeEnded(before time.Time) (ended []*cachedRing) {
	for _, ring := range c.all() {
		result := ring.result.Load()
		if result == nil || result.client == nil || !errors.Is(result.client.Err(), framebuffer.ErrClosed) {
			continue
		}
		c.mu.Lock()
		if e := c.byKey[ring.key]; e != nil && e.Value == ring && ring.lastUsed.Before(before) {
			ended = append(ended, c.removeElement(e))
		}
		c.mu.Unlock()
	}
	return ended
}

// has reports whether the cache holds a ring with that key.
func (c *ringCache) has(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byKey[key] != nil
}

// all returns the rings, the least recently used first.
func (c *ringCache) all() []*cachedRing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list()
}

func (c *ringCache) list() (all []*cachedRing) {
	if c.order == nil {
		return nil
	}
	for e := c.order.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*cachedRing))
	}
	return all
}

// close empties the cache for good and returns what it held.
func (c *ringCache) close() []*cachedRing {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.list()
	c.byKey, c.order = nil, nil
	return all
}
