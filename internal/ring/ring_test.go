package ring

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// mirrored makes a ring in memory that is mapped twice, as a server does.
func mirrored(t interface {
	Fatal(...any)
	Cleanup(func())
}, capacity, head uint64) *Ring {
	m, err := shm.SysV{}.Create(shm.Spec{Control: shm.WholePages(int64(layout.ControlSize(1, 1))), Ring: int64(capacity)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	})
	ctl, err := layout.Format(m.Control, layout.Identity{Nonce: [16]byte{7}, Capacity: capacity, HoldLimit: capacity / 2, Start: head, Topics: 1, TopicDepth: 1})
	if err != nil {
		t.Fatal(err)
	}
	return New(ctl, m.Ring, Options{Populate: shm.Populate, Now: clock.New().Now})
}

func TestAllocateRefuses(t *testing.T) {
	r := plain(t, page, 0)
	for size, want := range map[int]error{
		0: fberr.BadSize, -1: fberr.BadSize, math.MinInt: fberr.BadSize,
		r.MaxSize() + 1: fberr.TooLarge, page: fberr.TooLarge, math.MaxInt: fberr.TooLarge, math.MaxInt - 100: fberr.TooLarge,
	} {
		if _, _, err := r.Allocate(size, Stamp{}); !errors.Is(err, want) {
			t.Errorf("size %d: %v, want %v", size, err, want)
		}
	}
	if r.Head() != 0 {
		t.Errorf("refused allocations moved head to %d", r.Head())
	}
	if offset, _, err := r.Allocate(r.MaxSize(), Stamp{}); err != nil || offset != layout.ChunkHeader {
		t.Errorf("the largest chunk: %d, %v", offset, err)
	}
}

func TestInventedOffsetsAreRefused(t *testing.T) {
	r := plain(t, page, 0)
	offset, _, err := r.Allocate(1000, Stamp{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []uint64{0, 1, 63, offset - 1, offset + 1, offset + 64, offset + 960, 1088, 2048, 1 << 40, 1 << 63, math.MaxUint64, math.MaxUint64 - 63} {
		if err := r.Read(make([]byte, 1), o, 0); !errors.Is(err, fberr.BadOffset) {
			t.Errorf("read at %d: %v", o, err)
		}
		if _, err := r.Write(o, []byte{1}); !errors.Is(err, fberr.BadOffset) {
			t.Errorf("write at %d: %v", o, err)
		}
	}
}

// Payload that spells out headers must not be taken for chunks.
func TestPayloadIsNoHeader(t *testing.T) {
	r := plain(t, page, 0)
	offset, _, err := r.Allocate(2048, Stamp{})
	if err != nil {
		t.Fatal(err)
	}
	forged := make([]byte, 2048)
	for at := 0; at+128 <= len(forged); at += 64 {
		layout.NewHeaderCodec([16]byte{8}).Put(forged[at:], offset+uint64(at)+64, layout.Chunk{Size: 10})
	}
	if _, err := r.Write(offset, forged); err != nil {
		t.Fatal(err)
	}
	for at := uint64(64); at < 2048; at += 64 {
		if err := r.Read(make([]byte, 10), offset+at, 0); !errors.Is(err, fberr.BadOffset) {
			t.Errorf("payload at %d taken for a chunk: %v", at, err)
		}
	}
}

func TestWrongSizeOrChecksum(t *testing.T) {
	r := plain(t, page, 0)
	offset, _, err := r.Allocate(100, Stamp{})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := r.Write(offset, bytes.Repeat([]byte{5}, 100))
	if err != nil {
		t.Fatal(err)
	}
	dst := bytes.Repeat([]byte{9}, 101)
	if err := r.Read(dst, offset, sum); !errors.Is(err, fberr.BadSize) {
		t.Errorf("a byte too many: %v", err)
	}
	if err := r.Read(dst[:99], offset, sum); !timedOut(err, fberr.Altered) {
		t.Errorf("a byte too few: %v", err)
	}
	if !bytes.Equal(dst[:99], make([]byte, 99)) {
		t.Error("bytes that failed their checksum were handed out")
	}
	if err := r.Read(dst[:100], offset, sum+1); !timedOut(err, fberr.Altered) {
		t.Errorf("wrong checksum: %v", err)
	}
	if err := r.Read(dst[:100], offset, sum); err != nil || dst[99] != 5 {
		t.Errorf("the right descriptor: %v", err)
	}
}

// timedOut reports whether an error is a timeout for that reason.
func timedOut(err error, reason fberr.Reason) bool {
	var timeout *fberr.TimeoutError
	return errors.As(err, &timeout) && timeout.Reason == reason && errors.Is(err, fberr.Timeout)
}

func TestClosed(t *testing.T) {
	r := plain(t, page, 0)
	offset, _, err := r.Allocate(100, Stamp{})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := r.Write(offset, make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	r.control.State().Store(layout.StateClosed)
	if _, _, err := r.Allocate(1, Stamp{}); !errors.Is(err, fberr.Closed) {
		t.Errorf("allocate: %v", err)
	}
	if _, err := r.Write(offset, nil); !errors.Is(err, fberr.Closed) {
		t.Errorf("write: %v", err)
	}
	if err := r.Read(make([]byte, 100), offset, sum); err != nil {
		t.Errorf("read: %v", err)
	}
}

// FuzzHostileMemory lets a fuzzer scribble over head, state and the ring between calls.
// Any error will do; a panic, a fault or bytes with a wrong checksum will not.
func FuzzHostileMemory(f *testing.F) {
	f.Add(uint64(0), uint64(64), uint16(0), []byte{1, 2, 3}, 10)
	f.Add(uint64(1<<63+1), uint64(1<<63+65), uint16(8), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, page)
	f.Add(uint64(math.MaxUint64), uint64(math.MaxUint64), uint16(4095), []byte{0}, math.MaxInt)
	f.Fuzz(func(t *testing.T, head, offset uint64, at uint16, junk []byte, size int) {
		r := plain(t, page, 0)
		own, _, err := r.Allocate(512, Stamp{})
		if err != nil {
			t.Fatal(err)
		}
		data := bytes.Repeat([]byte{3}, 512)
		sum, err := r.Write(own, data)
		if err != nil {
			t.Fatal(err)
		}
		copy(r.mem[int(at)%page:], junk)
		r.head.Store(head)
		n := max(0, min(size, r.MaxSize()))
		for _, o := range []uint64{offset, own, head, head - 64, head + 64} {
			dst := make([]byte, n)
			if err := r.Read(dst, o, 0); err == nil && (n > 0 || o%64 != 0) {
				t.Fatalf("read %d bytes at %d with checksum 0", n, o)
			}
			if err := r.Read(dst[:min(n, 512)], o, sum); err == nil && !bytes.Equal(dst[:512], data) {
				t.Fatal("wrong bytes with the right checksum")
			}
			if _, err := r.Write(o, dst); err == nil && n > r.MaxSize() {
				t.Fatal("wrote beyond the ring")
			}
		}
		for range 3 {
			if o, _, err := r.Allocate(size, Stamp{}); err == nil && o%64 != 0 {
				t.Fatalf("misaligned offset %d", o)
			}
		}
	})
}
