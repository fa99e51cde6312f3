package ring

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
)

// timed is a ring whose clock the test moves. Its tick runs whenever the ring reads the
// clock: the place where a test can do what another process might do just then.
type timed struct {
	*Ring
	clock atomic.Int64
	tick  func()
}

func newTimed(t testing.TB, capacity uint64) *timed {
	r := &timed{Ring: mirrored(t, capacity, 64*1000)}
	r.clock.Store(int64(time.Hour))
	r.now = func() int64 {
		if tick := r.tick; tick != nil {
			r.tick = nil
			tick()
		}
		return r.clock.Load()
	}
	return r
}

func (r *timed) stamp() Stamp { return Stamp{Time: r.clock.Load()} }

// put allocates and fills a chunk with its own offset.
func (r *timed) put(t testing.TB, size int) (offset, sum uint64) {
	t.Helper()
	offset, _, err := r.Allocate(size, r.stamp())
	if err != nil {
		t.Fatal(err)
	}
	sum, err = r.Write(offset, bytes.Repeat([]byte{byte(offset >> 6)}, size))
	if err != nil {
		t.Fatal(err)
	}
	return offset, sum
}

func (r *timed) laps(t testing.TB, n int) {
	t.Helper()
	for before := r.Head(); r.Head()-before < uint64(n)*r.Capacity(); {
		r.put(t, 500)
	}
}

func (r *timed) hold(t testing.TB, offset uint64, d time.Duration) *Hold {
	t.Helper()
	h, err := r.Hold(offset, d)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// readable reports whether the chunk can be read and holds what put wrote.
func (r *timed) readable(offset, sum uint64, size int) bool {
	dst := make([]byte, size)
	err := r.Read(dst, offset, sum)
	return err == nil && copyhash.Sum(dst) == sum
}
