//go:build failpoints

package faults

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/integrity"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Rings of one page and of several GiB, and of sizes that are no multiple of a page, work
// alike, beyond their end and with the largest frame they can have.
//
// SOAK_RING_GIB is the largest.
func TestRingSizes(t *testing.T) {
	page := int64(os.Getpagesize())
	large := int64(number("SOAK_RING_GIB", 2))<<30 + page // beyond what 31 bits count
	for _, size := range []int64{1, page, page + 1, 3 * page, 1009 * page, 1<<20 + 1, 1<<24 - 1, large} {
		for _, backend := range backends() {
			if size == large && backend != "sysv" && os.Getenv("SOAK_RING_GIB") == "" {
				continue // the one takes as long as all the others
			}
			t.Run(fmt.Sprintf("%s/%d", backend, size), func(t *testing.T) {
				if size == large {
					needRoom(t, size)
				}
				s, err := framebuffer.NewServer(size, &framebuffer.ServerOptions{Backend: backend, Dir: roomy(t, backend, size)})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				c, err := framebuffer.Attach(s.Key(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				capacity := int64(c.Stats().Capacity)
				if capacity < size || capacity >= size+page {
					t.Errorf("asked for %d bytes, got %d", size, capacity)
				}
				if size == large { // a lap and a bit
					data := pattern(1<<29 + 17)
					for begin := c.Stats().Head; c.Stats().Head-begin <= uint64(capacity); {
						f, err := c.Put(data)
						if err == nil {
							err = c.View(f, func([]byte) error { return nil }) // hashed
						}
						if err != nil {
							t.Fatal(err)
						}
					}
					return
				}
				for begin := c.Stats().Head; c.Stats().Head-begin <= 2*uint64(capacity); {
					putAndGet(t, c, 1+rand.IntN(int(capacity)-64))
				}
				putAndGet(t, c, int(capacity)-64)
				if _, err := c.Allocate(int(capacity) - 63); !errors.Is(err, framebuffer.ErrTooLarge) {
					t.Errorf("one byte more than fits: %v", err)
				}
				if r := integrity.Check(c.Segment()); len(r.Problems) > 0 {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// roomy is place with room for a ring of that size, whatever /dev/shm has.
func roomy(t *testing.T, backend string, size int64) string {
	if backend != "file" || size < 1<<30 {
		return place(t, backend)
	}
	testproc.NeedRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size+64<<20)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func putAndGet(t *testing.T, c *framebuffer.Client, n int) {
	t.Helper()
	data := pattern(n)
	f, err := c.Put(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.View(f, func(got []byte) error {
		if !bytes.Equal(got, data) {
			t.Fatal("wrong bytes")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// pattern is n bytes that are made quickly, and another time others.
func pattern(n int) []byte {
	one := grow(rand.Uint64N(1<<30), 4099)
	return bytes.Repeat(one, n/len(one)+1)[:n]
}

// needRoom is for tests with a large ring.
func needRoom(t *testing.T, size int64) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	kb, _ := procinfo.Field(text, "MemAvailable:")
	testproc.Need(t, kb<<10 >= size+3<<30, fmt.Sprintf("memory for a ring of %d bytes and 3 GiB more; %d KiB are available", size, kb))
}

// Positions are 64-bit numbers that only grow. At 2^32 and 2^63 nothing happens. At 2^64,
// after 58 years of 10 GB/s, they begin anew: frames of that moment may be lost, none is wrong,
// and afterwards all is well.
func TestPositions(t *testing.T) {
	for _, border := range []uint64{1 << 32, 1 << 63, 0} {
		t.Run(fmt.Sprintf("%#x", border), func(t *testing.T) {
			s, err := framebuffer.NewServer(1009*4096, nil) // no power of two: the wrap is in no place
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c, err := framebuffer.Attach(s.Key(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			in := c.Segment()
			in.Control.Head().Store(border - 3*in.Ring.Capacity()&^63)
			pub, err := topic.NewPublisher(c, "x")
			if err != nil {
				t.Fatal(err)
			}
			lost := 0
			capacity := in.Ring.Capacity()
			for int64(in.Ring.Head()-border) < int64(3*capacity) {
				near := border == 0 && in.Ring.Head()+capacity < 2*capacity
				data := frameOf(rand.Uint64N(1<<30), 1+rand.IntN(100_000))
				m, err := pub.Publish(data, nil)
				var h *framebuffer.Hold
				if err == nil {
					h, err = c.Hold(m.Frame, time.Hour)
				}
				var got []byte
				if err == nil {
					got, err = c.Get(m.Frame)
				}
				switch {
				case err == nil && !bytes.Equal(got, data):
					t.Fatal("wrong bytes")
				case err != nil && !near:
					t.Fatalf("at %#x: %v", in.Ring.Head(), err)
				case err != nil:
					lost++
				}
				if h != nil {
					_ = h.Release()
				}
			}
			t.Logf("%d frames lost at the border", lost)
		})
	}
}

// A great many allocations, through a multiple of 2^32, from several goroutines; now and then a frame is
// compared byte by byte.
//
// SOAK_ALLOCATIONS is how many there are.
func TestManyAllocations(t *testing.T) {
	many := number("SOAK_ALLOCATIONS", 4_000_000)
	s, err := framebuffer.NewServer(64<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before := s.Stats()
	c, err := framebuffer.Attach(s.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const workers = 4
	// Where the low half of a position carries into the high one, and behind the ring's start:
	// before that there are no frames, not even late ones.
	border := (c.Segment().Control.Start()>>32 + 2) << 32
	from := border - uint64(min(many, 30_000_000))*64
	c.Segment().Control.Head().Store(from)
	var all sync.WaitGroup
	var late atomic.Int64
	for range workers {
		all.Go(func() {
			for i := range many / workers {
				var err error
				if i%1000 != 0 {
					_, err = c.Allocate(1 + i%64)
				} else {
					data := pattern(1 + i%64)
					var f framebuffer.Frame
					if f, err = c.Put(data); err == nil {
						var got []byte
						if got, err = c.Get(f); err == nil && !bytes.Equal(got, data) {
							t.Error("wrong bytes")
							return
						}
					}
					// The ring goes round while the kernel runs others.
					if errors.Is(err, framebuffer.ErrTimeout) {
						late.Add(1)
						err = nil
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if compared := int64(workers * (many / workers / 1000)); late.Load() > compared/2 {
		t.Errorf("of %d frames %d were overwritten before they were read", compared, late.Load())
	}
	now := s.Stats()
	made, moved := uint64(many/workers*workers), now.Head-from
	if moved < 128*made || now.Head <= border || now.Total.AllocatedBytes-before.Total.AllocatedBytes != moved {
		t.Errorf("%d allocations from %d to %d, and %d bytes were counted", made, from, now.Head, now.Total.AllocatedBytes-before.Total.AllocatedBytes)
	}
}
