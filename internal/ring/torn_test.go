package ring

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	_ "github.com/core-framebuffer/framebuffer/internal/copyhash/expect"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// frame is what a reader is told, and where its bytes begin in noise, so that they can be
// compared without any checksum.
type frame struct {
	offset, sum uint64
	size, from  int
}

const (
	tornRing  = 8 << 20
	tornFrame = 2<<20 + 100 // more than what streaming stores begin at
)

// noise is what all frames are cut from, at any alignment and a different place each.
var noise = sync.OnceValue(func() []byte {
	p := make([]byte, tornFrame+1<<20)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(p)
	return p
})

var zeroes [tornFrame]byte

func (f frame) data() []byte { return noise()[f.from:][:f.size] }

// randomFrame has one of the sizes at which a kernel goes another way: short ones, a part
// of a block, several blocks, streaming stores.
func randomFrame(rnd *rand.Rand) frame {
	most := []int{240, 2000, 64 << 10, 300 << 10, tornFrame}[rnd.IntN(5)]
	return frame{size: 1 + rnd.IntN(most), from: 1 + rnd.IntN(len(noise())-most-1)}
}

func put(r *Ring, f frame) (frame, error) {
	var err error
	if f.offset, _, err = r.Allocate(f.size, Stamp{}); err != nil {
		return f, err
	}
	f.sum, err = r.Write(f.offset, f.data())
	return f, err
}

// check reads a frame and says whether it was still there. What arrives is what was written,
// or nothing but zeroes.
func check(t *testing.T, r *Ring, f frame, buffer []byte) bool {
	dst := buffer[:f.size]
	clear(dst)
	err := r.Read(dst, f.offset, f.sum)
	switch {
	case err == nil && !bytes.Equal(dst, f.data()):
		t.Errorf("%d bytes at %d, head %d: torn, with the right checksum", f.size, f.offset, r.Head())
	case err != nil && !errors.Is(err, fberr.Timeout):
		t.Error(err)
	case err != nil && !bytes.Equal(dst, zeroes[:len(dst)]):
		t.Errorf("%d bytes at %d: something was left behind with %v", f.size, f.offset, err)
	}
	return err == nil
}

// Two writers turn the ring as fast as they can under two readers, which prefer frames that
// are just being overwritten. Each read is exactly what was written, or a timeout.
func TestTornReads(t *testing.T) {
	for _, how := range storing {
		t.Run(how.name, func(t *testing.T) {
			r := mirrored(t, tornRing, 0)
			how.store(t, r)
			tornReads(t, r)
		})
	}
}

func tornReads(t *testing.T, r *Ring) {
	rounds := 2000
	if testing.Short() {
		rounds = 200
	}
	told := make(chan frame)
	var first atomic.Pointer[frame]
	var writers, readers sync.WaitGroup
	for seed := range uint64(2) {
		writers.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 7))
			for range rounds {
				f, err := put(r, randomFrame(rnd))
				if errors.Is(err, fberr.Timeout) {
					continue // overwritten by the other one
				}
				if err != nil {
					t.Error(err)
					return
				}
				first.CompareAndSwap(nil, &f)
				select {
				case told <- f:
					runtime.Gosched() // on one processor a reader must run while the frame is there
				default: // the readers are busy, and shall not slow the ring down
				}
			}
		})
	}
	var same, timeouts atomic.Int64
	for range 2 {
		readers.Go(func() {
			buffer := make([]byte, tornFrame)
			var known []frame
			read := func(f frame) {
				if check(t, r, f, buffer) {
					same.Add(1)
				} else {
					timeouts.Add(1)
				}
			}
			for f := range told {
				read(f)
				known = append(known, f)
				// Those that the writers are about to reach, and have reached.
				for len(known) > 0 && r.Head()-known[0].offset > tornRing-tornFrame {
					read(known[0])
					known = known[1:]
				}
			}
		})
	}
	writers.Wait()
	close(told)
	readers.Wait()
	t.Logf("kernel %s: %d reads the same, %d timeouts", copyhash.InUse(), same.Load(), timeouts.Load())
	// Whatever the timing was: the first is gone, and the last chunk is there.
	buffer := make([]byte, tornFrame)
	if f := first.Load(); f == nil || check(t, r, *f, buffer) {
		t.Errorf("the first frame, after %d bytes in a ring of %d: %v", r.Head(), tornRing, f)
	}
	last, err := put(r, frame{size: tornFrame, from: 5})
	if err != nil || !check(t, r, last, buffer) {
		t.Errorf("a frame in a quiet ring: %v", err)
	}
}

// A writer whose chunk is handed out again while it writes stops with a timeout, and the writer that
// has the memory now reads what it wrote there, or a timeout.
func TestLappedWriter(t *testing.T) {
	for _, how := range storing {
		t.Run(how.name, func(t *testing.T) {
			r := mirrored(t, tornRing, 0)
			how.store(t, r)
			lappedWriter(t, r)
		})
	}
}

func lappedWriter(t *testing.T, r *Ring) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(2, runtime.NumCPU()))) // on one, no other writer would come between
	buffer := make([]byte, tornFrame)
	const enough = 10
	for lapped, tries := 0, 1; lapped < enough; tries++ {
		slow := frame{size: tornFrame, from: tries % 1000}
		var err error
		if slow.offset, _, err = r.Allocate(slow.size, Stamp{}); err != nil {
			t.Fatal(err)
		}
		// Zeroes where the payload will be tell when the writing has begun.
		at := slow.offset % tornRing
		clear(r.mem[at:][:64])
		next := make(chan frame)
		go func() {
			for nothingAt(r.mem[at:][:64]) {
				runtime.Gosched()
			}
			if _, _, err := r.Allocate(r.MaxSize()-2*tornFrame, Stamp{}); err != nil {
				t.Error(err)
			}
			f, err := put(r, frame{size: tornFrame, from: 1000 + tries%1000})
			if err != nil {
				t.Error(err)
			}
			g, err := put(r, frame{size: tornFrame, from: 2000 + tries%1000}) // over the slow one's memory
			if err != nil {
				t.Error(err)
			}
			next <- f
			next <- g
		}()
		slow.sum, err = r.Write(slow.offset, slow.data())
		if err != nil && !errors.Is(err, fberr.Timeout) {
			t.Fatal(err)
		}
		for range 2 {
			f := <-next
			check(t, r, f, buffer)
		}
		if r.Head()-(slow.offset-layout.ChunkHeader) <= tornRing {
			t.Fatalf("after %d tries: the slow one's memory was not handed out again", tries)
		}
		if err != nil {
			lapped++
		} else if check(t, r, slow, buffer) {
			t.Fatal("a frame was read whose memory belongs to another")
		}
		if lapped == enough {
			t.Logf("kernel %s: lapped %d times in %d", copyhash.InUse(), lapped, tries)
		}
	}
}

// nothingAt says whether p is all zeroes. It is not inlined, so that it looks each time.
//
//go:noinline
func nothingAt(p []byte) bool { return bytes.Equal(p, zeroes[:len(p)]) }
