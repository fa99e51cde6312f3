package layout

import (
	"errors"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

var testID = Identity{Nonce: [16]byte{1, 2, 3}, Capacity: 1 << 20, ServerPID: 7, CreatedWall: 1, CreatedMono: 2,
	Start: 64 * 99, HoldLimit: 1 << 19, Topics: 3, TopicDepth: 4}

var testSize = ControlSize(testID.Topics, testID.TopicDepth)

func formatted(t testing.TB) []byte {
	mem := make([]byte, testSize)
	c, err := Format(mem, testID)
	if err != nil {
		t.Fatal(err)
	}
	c.Head().Store(12345 * 64)
	c.Slot(3).SetName("camera")
	return mem
}

func TestOpenReadsWhatFormatWrote(t *testing.T) {
	c, err := Open(formatted(t), testID.Nonce, testID.Capacity)
	if err != nil {
		t.Fatal(err)
	}
	wall, mono := c.Created()
	if c.Capacity() != 1<<20 || c.ServerPID() != 7 || wall != 1 || mono != 2 || c.Nonce() != testID.Nonce ||
		c.Head().Load() != 12345*64 || c.State().Load() != StateOpen || c.Slot(3).Name() != "camera" || c.Slots() != SlotCount ||
		c.Start() != 64*99 || c.HoldLimit() != 1<<19 || c.Topics() != 3 || c.TopicDepth() != 4 || len(c.Topic(2).Queue()) != 4 {
		t.Errorf("read back %+v", c)
	}
}

// Every single word that Open looks at, when wrong, is found out.
func TestOpenFindsEveryWrongWord(t *testing.T) {
	for _, off := range []int{OffMagic, OffVersion, OffHeaderSize, OffNonce, OffNonce + 15, OffCapacity, OffControlSize, OffTables, OffTables + 4, OffTables + 8,
		OffTables + 12, OffTables + 52, OffTables + 56, OffTopicDepth} {
		mem := formatted(t)
		mem[off] ^= 0x40
		_, err := Open(mem, testID.Nonce, testID.Capacity)
		want := fberr.Corrupt
		if off == OffMagic || off == OffNonce || off == OffNonce+15 {
			want = fberr.StaleKey
		}
		if !errors.Is(err, want) {
			t.Errorf("byte %d changed: %v, want %v", off, err, want)
		}
	}
	if _, err := Open(formatted(t), testID.Nonce, testID.Capacity+4096); !errors.Is(err, fberr.Corrupt) {
		t.Errorf("a ring of another size: %v", err)
	}
	for _, n := range []int{0, 1, HeaderSize - 1, HeaderSize, testSize - 1} {
		if _, err := Open(formatted(t)[:n], testID.Nonce, testID.Capacity); err == nil {
			t.Errorf("opened %d bytes", n)
		}
	}
	if _, err := Format(make([]byte, testSize-1), testID); !errors.Is(err, fberr.Corrupt) {
		t.Errorf("formatted too little memory: %v", err)
	}
}

// FuzzOpen lays hostile bytes over a control object. Whatever they are: no panic, and what
// is believed is within the memory.
func FuzzOpen(f *testing.F) {
	f.Add(uint16(0), []byte("FBUFFER\x01"))
	f.Add(uint16(OffCapacity), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add(uint16(OffTables+52), []byte{0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f})
	f.Add(uint16(HeaderSize), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, at uint16, b []byte) {
		mem := formatted(t)
		copy(mem[int(at)%len(mem):], b)
		c, err := Open(mem, testID.Nonce, testID.Capacity)
		if err != nil {
			if !errors.Is(err, fberr.Corrupt) && !errors.Is(err, fberr.StaleKey) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if c.Capacity() != testID.Capacity {
			t.Fatalf("believed a capacity of %d", c.Capacity())
		}
		for i := range c.Slots() {
			s := c.Slot(i)
			_ = s.Name()
			s.Counters()[CounterCount-1].Add(1)
		}
		for i := range c.Topics() {
			q := c.Topic(i).Queue()
			q[len(q)-1].Add(1)
			_ = c.Topic(i).Name()
		}
		c.Holds()[HoldCount-1].Term.Add(1)
		_ = c.Group(c.Groups() - 1).Name()
		c.Subscription(c.Subscriptions() - 1).Lost.Add(1)
	})
}

func TestSealKnowsItsOwn(t *testing.T) {
	mem := make([]byte, 2*ChunkHeader)
	s := NewHeaderCodec(testID.Nonce)
	in := Chunk{Size: 99, Time: 5, Client: 6, PID: 7}
	s.Put(mem, 640, in)
	if out, ok := s.Get(mem, 640); !ok || out != in {
		t.Fatalf("put %+v, got %+v %v", in, out, ok)
	}
	if _, ok := s.Get(mem, 704); ok {
		t.Error("believed at another offset")
	}
	if _, ok := NewHeaderCodec([16]byte{9}).Get(mem, 640); ok {
		t.Error("believed in another segment")
	}
	if _, ok := s.Get(mem[ChunkHeader:], 0); ok {
		t.Error("believed zeroes")
	}
	for _, i := range []int{ChunkOffset, ChunkSize, ChunkSize + 7, ChunkGuard, ChunkGuard + 7} {
		mem[i] ^= 1
		if _, ok := s.Get(mem, 640); ok {
			t.Errorf("believed with byte %d changed", i)
		}
		mem[i] ^= 1
	}
}
