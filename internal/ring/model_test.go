package ring

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

const page = 4096

// plain makes a ring in ordinary memory. It is not mirrored, which only shows where a chunk
// runs over the end and the memory below is looked at: use mirrored for that.
func plain(t interface{ Fatal(...any) }, capacity uint64, head uint64) *Ring {
	ctl, err := layout.Format(make([]byte, layout.ControlSize(1, 1)), layout.Identity{Nonce: [16]byte{7}, Capacity: capacity, HoldLimit: capacity / 2, Start: head, Topics: 1, TopicDepth: 1})
	if err != nil {
		t.Fatal(err)
	}
	return New(ctl, make([]byte, 2*capacity), Options{})
}

// chunk is what the model knows of an allocation: which bytes of memory it owns, how often
// each had been handed out before.
type chunk struct {
	offset, size, owned uint64
	data                []byte
	sum                 uint64
}

// model hands out memory byte by byte, as naively as can be: owner[i] is the number of the
// allocation that last got byte i.
type model struct {
	owner  []int
	next   uint64
	chunks []chunk
}

func (m *model) allocate(size uint64) {
	owned := Footprint(int(size))
	m.chunks = append(m.chunks, chunk{offset: m.next + layout.ChunkHeader, size: size, owned: owned})
	for i := range owned {
		m.owner[(m.next+i)%uint64(len(m.owner))] = len(m.chunks) - 1
	}
	m.next += owned
}

func (m *model) alive(i int) bool {
	c := m.chunks[i]
	start := c.offset - layout.ChunkHeader
	for b := range c.owned {
		if m.owner[(start+b)%uint64(len(m.owner))] != i {
			return false
		}
	}
	return true
}

// The ring agrees with the model on every offset, on which chunks are alive, on what is read, and
// on the errors of everything else, from any starting position.
func TestRingAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := uint64(rapid.IntRange(1, 3).Draw(t, "pages")) * page
		// Any head that is a multiple of the capacity is like a fresh start; the borders of
		// 2^32 and 2^63 are where arithmetic would break.
		start := rapid.SampledFrom([]uint64{0, 1 << 32, 1<<63 - 1<<20, 1 << 63}).Draw(t, "start") / capacity * capacity
		r := mirrored(t, capacity, start)
		m := &model{owner: make([]int, capacity), next: start}
		t.Repeat(map[string]func(*rapid.T){
			"allocate": func(t *rapid.T) {
				size := rapid.IntRange(1, int(capacity)-layout.ChunkHeader).Draw(t, "size")
				offset, _, err := r.Allocate(size, Stamp{})
				if err != nil {
					t.Fatal(err)
				}
				m.allocate(uint64(size))
				if want := m.chunks[len(m.chunks)-1].offset; offset != want {
					t.Fatalf("offset %d, want %d", offset, want)
				}
			},
			"write": func(t *rapid.T) {
				i := some(t, m)
				c := &m.chunks[i]
				data := rapid.SliceOfN(rapid.Byte(), 0, int(c.size)).Draw(t, "data")
				sum, err := r.Write(c.offset, data)
				if alive := m.alive(i); (err == nil) != alive || (!alive && !errors.Is(err, fberr.Timeout)) {
					t.Fatalf("write to a chunk alive=%v: %v", alive, err)
				}
				if err == nil {
					c.data, c.sum = data, sum
				}
			},
			"write too much": func(t *rapid.T) {
				i := some(t, m)
				_, err := r.Write(m.chunks[i].offset, make([]byte, m.chunks[i].size+1))
				if m.alive(i) && !errors.Is(err, fberr.TooLong) || err == nil {
					t.Fatalf("a byte too many: %v", err)
				}
			},
			"read": func(t *rapid.T) {
				i := some(t, m)
				c := m.chunks[i]
				if c.data == nil {
					t.Skip()
				}
				got := make([]byte, len(c.data))
				err := r.Read(got, c.offset, c.sum)
				if alive := m.alive(i); (err == nil) != alive || (!alive && !errors.Is(err, fberr.Timeout)) {
					t.Fatalf("read of a chunk alive=%v: %v", alive, err)
				}
				if err == nil && !bytes.Equal(got, c.data) {
					t.Fatal("read something else")
				}
			},
			"read made-up offset": func(t *rapid.T) {
				offset := rapid.Uint64().Draw(t, "offset")
				for _, c := range m.chunks {
					if c.offset == offset {
						t.Skip()
					}
				}
				err := r.Read(make([]byte, 1), offset, 0)
				if !errors.Is(err, fberr.BadOffset) && !errors.Is(err, fberr.Timeout) {
					t.Fatalf("offset %d: %v", offset, err)
				}
			},
			"": func(t *rapid.T) {
				for i, c := range m.chunks {
					if got, want := r.alive(c.offset-layout.ChunkHeader), m.alive(i); got != want {
						t.Fatalf("chunk %d at %d: alive %v, want %v", i, c.offset, got, want)
					}
				}
			},
		})
	})
}

func some(t *rapid.T, m *model) int {
	if len(m.chunks) == 0 {
		t.Skip()
	}
	// Mostly young ones: the old are all dead alike.
	oldest := max(0, len(m.chunks)-12)
	return rapid.IntRange(oldest, len(m.chunks)-1).Draw(t, "chunk")
}
