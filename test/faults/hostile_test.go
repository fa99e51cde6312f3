//go:build failpoints

package faults

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// vandal is a peer that means harm: it writes nonsense over everything that it has mapped.
type vandal struct {
	m       *shm.Mapping
	rnd     *rand.Rand
	header  []byte // as it was
	tables  int    // where they begin
	topics  int
	stride  int // of topics
	ringLen uint64
}

// roleVandal: KEY SEED; on each number, that many acts -> the number
func roleVandal(c *testproc.Child) error {
	part := strings.Split(c.Args[0], "_")
	backend, err := shm.ByName(part[1])
	if err != nil {
		return err
	}
	m, err := backend.Attach(part[2], false)
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(c.Args[1], 10, 64)
	if err != nil {
		return err
	}
	v := &vandal{
		m: m, rnd: rand.New(rand.NewPCG(seed, seed)), header: append([]byte(nil), m.Control[:layout.HeaderSize]...),
		tables: layout.HeaderSize, topics: layout.ControlSize(0, depth), stride: layout.ControlSize(1, depth) - layout.ControlSize(0, depth),
		ringLen: uint64(len(m.Ring) / 2),
	}
	for {
		var n int
		if err := c.Recv(&n); err != nil {
			return m.Close() // end of input
		}
		for range n {
			v.act()
		}
		v.heal()
		if err := c.Send(n); err != nil {
			return err
		}
	}
}

// heal restores what newcomers and allocators need to get anywhere at all, most of the time:
// otherwise the first act would be the last that does any harm.
func (v *vandal) heal() {
	if v.rnd.IntN(8) == 0 {
		return
	}
	copy(v.m.Control[:layout.OffHead], v.header)
	copy(v.m.Control[layout.OffTables:layout.HeaderSize], v.header[layout.OffTables:])
	if v.rnd.IntN(2) == 0 { // head somewhere where there may be chunks
		v.put(layout.OffHead, v.word64(layout.OffStart)+v.rnd.Uint64N(1<<24)&^63)
	}
	if v.rnd.IntN(2) == 0 {
		v.put(layout.OffHoldUntil, 0)
	}
}

func (v *vandal) put(at int, x uint64)  { binary.NativeEndian.PutUint64(v.m.Control[at:], x) }
func (v *vandal) word64(at int) uint64  { return binary.NativeEndian.Uint64(v.m.Control[at:]) }
func (v *vandal) some(from, to int) int { return (from + v.rnd.IntN(to-from)) &^ 7 }
func (v *vandal) anyTopic() int         { return v.topics + v.rnd.IntN(8)*v.stride }
func (v *vandal) anyChunk() (uint64, []byte) {
	word := v.word64(v.anyTopic() + layout.TopicQueue + 8*v.rnd.IntN(depth))
	offset := word &^ layout.QueueTag
	at := (offset - layout.ChunkHeader) % v.ringLen &^ 63
	return offset, v.m.Ring[at : at+v.ringLen/2]
}

// plausible is a number that could stand somewhere.
func (v *vandal) plausible() uint64 {
	head := v.word64(layout.OffHead)
	all := []uint64{
		0, 1, 2, 63, 64, 65, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, 1 << 63, ^uint64(0), ^uint64(63),
		v.ringLen, v.ringLen - 64, v.ringLen + 64, v.ringLen - 63, head, head - 64, head + 64, head - v.ringLen,
		head - v.ringLen - 64, head + 1<<40, v.rnd.Uint64(), v.rnd.Uint64N(1 << 20),
		v.word64(v.some(0, layout.HeaderSize)), v.word64(v.some(v.tables, len(v.m.Control)-8)),
	}
	x := all[v.rnd.IntN(len(all))]
	if v.rnd.IntN(4) == 0 {
		x += uint64(v.rnd.IntN(5)) - 2
	}
	return x
}

// act does harm of one kind.
func (v *vandal) act() {
	ctl, ring := v.m.Control, v.m.Ring
	switch v.rnd.IntN(14) {
	case 0: // any byte
		ctl[v.rnd.IntN(len(ctl))] = byte(v.rnd.Uint32())
	case 1: // any word of the tables
		v.put(v.some(v.tables, len(ctl)-8), v.plausible())
	case 2: // the words that every process writes
		v.put([]int{layout.OffHead, layout.OffHoldUntil, layout.OffHoldGen, layout.OffHoldHigh}[v.rnd.IntN(4)], v.plausible())
	case 3: // a table's place, the sizes, the state
		v.put(v.some(0, layout.OffStart+8), v.plausible())
	case 4: // next, wake, the name's hash, the state of a topic
		v.put(v.anyTopic()+[]int{layout.TopicNext, layout.TopicWake, layout.TopicNameHash, layout.TopicNamed}[v.rnd.IntN(4)], v.plausible())
	case 5: // a queue: a word from elsewhere, with any lap
		to := v.anyTopic() + layout.TopicQueue + 8*v.rnd.IntN(depth)
		v.put(to, v.word64(v.anyTopic()+layout.TopicQueue+8*v.rnd.IntN(depth))&^63|v.rnd.Uint64N(64))
	case 6: // a hold of an hour, on anything
		at := layout.HeaderSize + layout.SlotCount*layout.SlotStride + v.rnd.IntN(layout.HoldCount)*layout.HoldStride
		v.put(layout.OffHoldHigh, uint64(v.rnd.IntN(300)))
		v.put(layout.OffHoldUntil, ^uint64(0)>>1)
		v.put(at, v.word64(layout.OffCreatedMono)+v.rnd.Uint64N(1<<42)|1)
		v.put(at+layout.HoldStart, v.plausible())
		v.put(at+layout.HoldLength, v.plausible())
		v.put(layout.OffHoldGen, v.rnd.Uint64())
	case 7: // all names alike: a process that looks for a free entry finds none
		h := v.word64(v.anyTopic())
		for i := range 8 {
			v.put(v.topics+i*v.stride, h)
		}
	case 8: // a group's or subscription's words
		v.put(v.some(v.topics-layout.SubCount*layout.SubStride-layout.GroupCount*layout.GroupStride, v.topics), v.plausible())
	case 9: // a chunk with a proper header and a size of its own
		offset, mem := v.anyChunk()
		layout.NewHeaderCodec([16]byte(v.header[layout.OffNonce:])).Put(mem, offset, layout.Chunk{Size: v.plausible()})
	case 10: // a record with a proper sum and any content
		_, mem := v.anyChunk()
		rec := mem[layout.ChunkHeader:][:layout.RecordShort]
		binary.NativeEndian.PutUint64(rec[8+8*v.rnd.IntN(6):], v.plausible())
		binary.NativeEndian.PutUint64(rec[layout.RecordSum:], copyhash.Sum(rec[layout.RecordSequence:]))
	case 12: // a label that belongs to its chunk, of any publication
		offset, mem := v.anyChunk()
		seal := layout.NewHeaderCodec([16]byte(v.header[layout.OffNonce:]))
		if _, ok := seal.Get(mem, offset); ok {
			clear(mem[layout.LabelStamp:layout.ChunkHeader])
			seal.PutLabel(mem, layout.Label{
				Checksum: v.plausible(), Time: int64(v.rnd.Uint64()), Topic: 1 + v.rnd.Uint32N(8),
				Sequence: v.word64(v.anyTopic()+layout.TopicNext) - v.rnd.Uint64N(2*depth),
			})
		}
	case 13: // a hole, which is zeroes
		mem, page := ring[:len(ring)/2], os.Getpagesize()
		if v.rnd.IntN(8) == 0 {
			mem = ctl
		}
		at := v.rnd.IntN(len(mem)/page) * page
		if err := unix.Madvise(mem[at:at+page], unix.MADV_REMOVE); err != nil {
			panic(err)
		}
	case 11: // the ring
		at := v.rnd.IntN(len(ring) / 2)
		for i := range ring[at : at+v.rnd.IntN(200)] {
			ring[at+i] = byte(v.rnd.Uint32())
		}
	}
}

// bursts is how often the vandal is let loose.
func bursts() int { return number("SOAK_BURSTS", 40) }

// number is a number of the environment.
func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// A peer writes nonsense over everything, also such as looks like sense, while others write,
// publish, subscribe, hold, attach, list and leave. They may get errors, but none crashes,
// hangs, or gets wrong bytes.
//
// SOAK_BURSTS says how often it is let loose, for a thousand acts each, SOAK_SEED how it begins.
func TestVandal(t *testing.T) {
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			w := newWorld(t, backend, place(t, backend))
			seed := uint64(number("SOAK_SEED", int(rand.Uint32())))
			t.Logf("SOAK_SEED=%d", seed)
			v := testproc.Start(t, "vandal", w.key, strconv.FormatUint(seed, 10))
			m := newTeam(t, w.key, "hostile")
			for i := range bursts() {
				v.Send(1000)
				m.atWork()
				var n int
				v.Recv(&n)
				if i%10 == 9 { // workers that could not continue start again
					m.goHome()
					for _, kind := range everyone() {
						m.start(kind)
					}
				}
			}
			v.Done()
			all := m.goHome()
			t.Logf("%d acts: %+v", 1000*bursts(), all)
			if all.Good == 0 || all.Errors == 0 && all.Timeouts == 0 {
				t.Error("no harm was done, or no good: this test tests nothing")
			}
			if err := w.c.Close(); err != nil {
				t.Error(err)
			}
			w.c = nil
			w.finish()
		})
	}
}
