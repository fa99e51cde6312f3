package topics

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

type segment struct {
	ctl  layout.Control
	ring *ring.Ring
	mem  []byte
}

func newSegment(t testing.TB, capacity int64, topics, depth int) segment {
	m, err := shm.SysV{}.Create(shm.Spec{Control: shm.WholePages(int64(layout.ControlSize(topics, depth))), Ring: capacity})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	ctl, err := layout.Format(m.Control, layout.Identity{Nonce: [16]byte{7}, Capacity: uint64(capacity), Topics: topics, TopicDepth: depth})
	if err != nil {
		t.Fatal(err)
	}
	return segment{ctl, ring.New(ctl, m.Ring, ring.Options{Now: clock.New().Now}), m.Ring}
}

func (s segment) open(t testing.TB, name string) *Topic {
	t.Helper()
	p, err := Open(s.ctl, s.ring, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// frame allocates something to publish.
func (s segment) frame(t testing.TB) Record {
	offset, _, err := s.ring.Allocate(8, ring.Stamp{})
	for errors.Is(err, fberr.Timeout) { // this one was stopped while the others went round
		offset, _, err = s.ring.Allocate(8, ring.Stamp{})
	}
	if err != nil {
		t.Error(err)
	}
	return Record{Offset: offset, Size: 8}
}

// put publishes a record.
func (s segment) put(p *Topic, rec Record) (uint64, error) {
	return p.Publish(&rec, func(size int) (uint64, []byte, error) { return s.ring.Allocate(size, ring.Stamp{}) })
}

func (s segment) publish(t testing.TB, p *Topic) uint64 {
	t.Helper()
	n, err := s.put(p, s.frame(t))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Topics are found by their names, whatever was hashed to the same place, until there is no
// room.
func TestDirectory(t *testing.T) {
	s := newSegment(t, 1<<20, 8, 2)
	seen := map[uint32]string{}
	for i := range 8 {
		name := fmt.Sprint("topic ", i)
		p := s.open(t, name)
		if other, ok := seen[p.Index]; ok || s.open(t, name).Index != p.Index {
			t.Errorf("%s is at %d, like %q, or moves", name, p.Index, other)
		}
		seen[p.Index] = name
	}
	if _, err := Open(s.ctl, s.ring, "one more"); !errors.Is(err, fberr.TopicLimit) {
		t.Errorf("opened one too many: %v", err)
	}
	for i := range s.ctl.Groups() {
		if _, err := s.open(t, "topic 0").OpenGroup(s.ctl, fmt.Sprint(i), func() uint64 { return 0 }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.open(t, "topic 0").OpenGroup(s.ctl, "one more", func() uint64 { return 0 }); !errors.Is(err, fberr.TopicLimit) {
		t.Errorf("one group too many: %v", err)
	}
}

// A process that dies between claiming a topic and naming it leaves that to the next one.
func TestDeadOpener(t *testing.T) {
	s := newSegment(t, 1<<20, 4, 2)
	w := s.ctl.Topic(int(nameHash("x") % 4))
	w.NameHash().Store(nameHash("x"))
	if p := s.open(t, "x"); p.words.Name() != "x" || w.Named().Load() != 1 {
		t.Errorf("found %q", p.words.Name())
	}
}

// A publisher that dies after the frame stands in the queue leaves the rest to the next publisher, and
// subscribers see the frame all the same.
func TestDeadPublisher(t *testing.T) {
	s := newSegment(t, 1<<20, 1, 4)
	p := s.open(t, "x")
	for want := range uint64(20) {
		if got := s.publish(t, p); got != want {
			t.Fatalf("published as %d, want %d", got, want)
		}
		p.next.Add(^uint64(0)) // the publisher did not come to this
		var rec Record
		if got := p.Load(want, &rec); got != Ready || p.Waiting(want) {
			t.Fatalf("frame %d: %v", want, got)
		}
	}
}

// Publishing makes no system call while no process sleeps: only waking
// changes the futex word.
func TestNoSleeperNoWake(t *testing.T) {
	s := newSegment(t, 1<<20, 1, 4)
	p := s.open(t, "x")
	for range 10 {
		s.publish(t, p)
	}
	if w := p.words.Wake().Load(); w != 0 {
		t.Errorf("the futex word is %d", w)
	}
}

// A publisher that dies before it wakes costs the sleepers their patience and no more.
func TestPublisherDiesBeforeWaking(t *testing.T) {
	s := newSegment(t, 1<<20, 1, 4)
	p := s.open(t, "x")
	p.recheck = 10 * time.Millisecond
	if err := p.Sleep(func() bool {
		s.publish(t, p) // sees the sleeper, and ...
		p.words.Wake().Store(1)
		return false // ... has died before it came to the word that the sleeper now waits on
	}); err != nil {
		t.Fatal(err)
	}
	if p.Waiting(0) {
		t.Error("slept, and the frame is not there")
	}
}

// What is not the entry of its place is not believed: one that was reused, one of another
// topic or lap, one that was scribbled over.
func TestEntriesAreChecked(t *testing.T) {
	for kind, has := range map[string]bool{"label": false, "record": true} {
		t.Run(kind, func(t *testing.T) { testEntriesAreChecked(t, has) })
	}
}

func testEntriesAreChecked(t *testing.T, has bool) {
	s := newSegment(t, 1<<20, 2, 4)
	p, q := s.open(t, "x"), s.open(t, "y")
	for _, to := range []*Topic{p, q, p} {
		rec := s.frame(t)
		rec.HasContent, rec.Checksum, rec.Time = has, 5, 6
		if _, err := s.put(to, rec); err != nil {
			t.Fatal(err)
		}
	}
	word, tag := p.word(0).Load(), p.word(0).Load()&layout.QueueTag
	var rec Record
	for what, w := range map[string]uint64{
		"another topic's":                q.word(0).Load(),
		"another number":                 p.word(1).Load(),
		"no record":                      tag,
		"a frame":                        s.frame(t).Offset | tag,
		"nonsense":                       ^uint64(0)&^layout.QueueTag | tag,
		"an entry, but not of that kind": word ^ layout.QueueRecord,
	} {
		p.word(0).Store(w)
		if got := p.Load(0, &rec); got != Lost {
			t.Errorf("%s: %v", what, got)
		}
	}
	p.word(0).Store(word)
	if p.Load(0, &rec) != Ready || rec.Checksum != 5 || rec.Time != 6 || rec.HasContent != has {
		t.Fatalf("the right one is not ready, or %+v", rec)
	}
	header := s.mem[(word&^layout.QueueTag-layout.ChunkHeader)%s.ring.Capacity():][:layout.ChunkHeader]
	believed := header[layout.LabelStamp:]
	if has {
		believed, _ = s.ring.Payload(word &^ layout.QueueTag)
	}
	for name, mem := range map[string][]byte{
		"offset and size": header[:layout.ChunkTime], "guard": header[layout.ChunkGuard:layout.LabelStamp], "label or record": believed,
	} {
		for i := range mem {
			mem[i] ^= 4
			if got := p.Load(0, &rec); got != Lost {
				t.Errorf("%s, byte %d changed: %v", name, i, got)
			}
			mem[i] ^= 4
		}
	}
}

// A frame has one label: a publisher that comes second, or is not its writer, or describes its
// content, or publishes but a part of it, takes a record, and all are found.
func TestFramesPublishedTwice(t *testing.T) {
	s := newSegment(t, 1<<20, 2, 4)
	p, q := s.open(t, "x"), s.open(t, "y")
	frame, other, content, part := s.frame(t), s.frame(t), s.frame(t), s.frame(t)
	other.Source, content.HasContent, part.Size = 7, true, 3
	for i, c := range []struct {
		to     *Topic
		rec    Record
		record bool
	}{
		{p, frame, false}, {p, frame, true}, {q, frame, true}, {q, other, true}, {q, content, true}, {q, part, true}, {p, part, true},
	} {
		n, err := s.put(c.to, c.rec)
		if err != nil {
			t.Fatal(err)
		}
		if record := c.to.word(n).Load()&layout.QueueRecord != 0; record != c.record {
			t.Errorf("publication %d has a record: %v", i, record)
		}
		var got Record
		if c.to.Load(n, &got) != Ready || got.Offset != c.rec.Offset || got.Size != c.rec.Size || got.Sequence != n || got.HasContent != c.rec.HasContent {
			t.Errorf("publication %d of %+v: %+v", i, c.rec, got)
		}
	}
}

// Whatever stands in the topic's words, no call hangs, and no false entry is accepted.
func FuzzHostileTopic(f *testing.F) {
	f.Add(uint64(0), uint64(0), uint64(0), uint64(0))
	f.Add(^uint64(0), ^uint64(0), uint64(1)<<63, uint64(65))
	f.Fuzz(func(t *testing.T, next, word, cursor, at uint64) {
		s := newSegment(t, 1<<16, 1, 4)
		p := s.open(t, "x")
		s.publish(t, p)
		p.next.Store(next)
		p.queue[at%4].Store(word)
		var rec Record
		for _, n := range []uint64{cursor, at, 0, next, next - 1, next + 1} {
			if p.Load(n, &rec) == Ready && (n != 0 || rec.Size != 8) {
				t.Errorf("believed in frame %d: %+v", n, rec)
			}
			if oldest := p.Oldest(n); oldest-n > ^uint64(0)>>1 {
				t.Errorf("the oldest from %d is %d", n, oldest)
			}
			p.Waiting(n)
		}
		_ = p.Newest()
		g, err := p.OpenGroup(s.ctl, "g", p.Newest)
		if err != nil {
			t.Fatal(err)
		}
		g.words.Cursor().Store(cursor)
		g.Advance(g.Cursor(), at)
		if _, err := s.put(p, s.frame(t)); err != nil {
			t.Fatal(err)
		}
	})
}
