package integrity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/integrity"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/topic"
)

// busy is a segment with a bit of everything in it: a ring that has gone round, a hold, a
// topic that has gone round, a subscription, a group.
func busy(t *testing.T) (*framebuffer.Client, framebuffer.Frame) {
	t.Helper()
	s, err := framebuffer.NewServer(1<<16, &framebuffer.ServerOptions{Topics: 8, TopicDepth: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c, err := framebuffer.Attach(s.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	pub, err := topic.NewPublisher(c, "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{"", "g"} {
		sub, err := topic.Subscribe(c, "x", &topic.SubscribeOptions{Group: group})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sub.Close() })
	}
	f, err := c.Put(make([]byte, 1000))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Hold(f, time.Hour); err != nil {
		t.Fatal(err)
	}
	var last topic.Message
	for i := range 100 {
		if last, err = pub.Publish(make([]byte, 1000+i), nil); err != nil {
			t.Fatal(err)
		}
	}
	return c, last.Frame
}

// A segment in use is in order, and every figure is there.
func TestInOrder(t *testing.T) {
	c, _ := busy(t)
	r := integrity.Check(c.Segment())
	if len(r.Problems) > 0 || r.Clients != 2 || r.Chunks < 20 || r.Holds != 1 || r.Topics != 1 || r.Frames != 8 || r.Damaged != 0 {
		t.Errorf("%+v", r)
	}
}

// Each kind of damage is found, and named.
func TestEveryDamageIsFound(t *testing.T) {
	for name, d := range map[string]struct {
		do   func(in *segment.Segment, last framebuffer.Frame)
		says string
	}{
		"state":           {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.State().Store(7) }, "state is 7"},
		"head askew":      {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.Head().Add(8) }, "no multiple"},
		"head back":       {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.Head().Store(in.Control.Start() - 64) }, "before start"},
		"head back a bit": {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.Head().Add(^uint64(1023)) }, "and head was"},
		"counts": {func(in *segment.Segment, _ framebuffer.Frame) {
			in.Control.Slot(3).Counters()[layout.AllocatedBytes].Store(1 << 50)
		}, "clients counted"},
		"role":          {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.Slot(1).Role().Store(9) }, "role 9"},
		"slot 0":        {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.Slot(0).Claim().Store(9) }, "belongs to no client"},
		"hold high":     {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.HoldHigh().Store(0) }, "beyond hold high"},
		"hold high far": {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.HoldHigh().Store(1000) }, "hold high is"},
		"hold until":    {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.HoldUntil().Store(5) }, "after hold until"},
		"held length":   {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.Holds()[0].Length.Add(64) }, "where a chunk has"},
		"held too much": {func(in *segment.Segment, _ framebuffer.Frame) {
			in.Control.Holds()[0].Length.Store(in.Control.Capacity())
		}, "may be"},
		"topic's name":        {func(in *segment.Segment, _ framebuffer.Frame) { used(in).SetName("y") }, "not that of its name"},
		"topic's hash":        {func(in *segment.Segment, _ framebuffer.Frame) { used(in).NameHash().Add(1) }, "not that of its name"},
		"next ahead":          {func(in *segment.Segment, _ framebuffer.Frame) { used(in).Next().Add(3) }, "the queue has lap"},
		"next back":           {func(in *segment.Segment, _ framebuffer.Frame) { used(in).Next().Add(^uint64(2)) }, "the queue has lap"},
		"a word":              {func(in *segment.Segment, _ framebuffer.Frame) { used(in).Queue()[2].Store(0) }, "the queue has lap"},
		"a word's offset":     {func(in *segment.Segment, _ framebuffer.Frame) { used(in).Queue()[2].Add(1 << 40) }, "the queue has offset"},
		"group's topic":       {func(in *segment.Segment, _ framebuffer.Frame) { group(in).Topic().Store(99) }, "of topic 99"},
		"group's name":        {func(in *segment.Segment, _ framebuffer.Frame) { group(in).SetName("h") }, "not that of its name"},
		"group's cursor":      {func(in *segment.Segment, _ framebuffer.Frame) { group(in).Cursor().Store(1000) }, "is at number 999"},
		"subscription":        {func(in *segment.Segment, _ framebuffer.Frame) { in.Control.Subscription(0).Slot.Store(900) }, "slot 900"},
		"allocated twice":     {func(in *segment.Segment, f framebuffer.Frame) { within(in, f) }, "begins within"},
		"allocated when held": {func(in *segment.Segment, _ framebuffer.Frame) { overHeld(in) }, "lies in what is held"},
	} {
		t.Run(name, func(t *testing.T) {
			c, last := busy(t)
			d.do(c.Segment(), last)
			r := integrity.Check(c.Segment())
			if !strings.Contains(strings.Join(r.Problems, "\n"), d.says) {
				t.Errorf("want %q: %+v", d.says, r)
			}
		})
	}
}

// A frame of a topic that does not have its bytes any more is counted.
func TestDamageIsCounted(t *testing.T) {
	c, last := busy(t)
	payload, _ := c.Segment().Ring.Payload(last.Offset)
	payload[17]++
	if r := integrity.Check(c.Segment()); len(r.Problems) > 0 || r.Damaged != 1 || r.Frames != 8 {
		t.Errorf("%+v", r)
	}
	hold := &c.Segment().Control.Holds()[0] // as if its header were gone
	hold.Start.Add(64)
	hold.Length.Add(^uint64(63))
	if r := integrity.Check(c.Segment()); len(r.Problems) > 0 || r.Damaged != 2 {
		t.Errorf("%+v", r)
	}
}

// used is the topic, group the group.
func used(in *segment.Segment) layout.Topic {
	for i := range in.Control.Topics() {
		if w := in.Control.Topic(i); w.NameHash().Load() != 0 {
			return w
		}
	}
	panic("no topic")
}

func group(in *segment.Segment) layout.Group {
	for i := range in.Control.Groups() {
		if w := in.Control.Group(i); w.NameHash().Load() != 0 {
			return w
		}
	}
	panic("no group")
}

// within makes a header in the middle of a frame.
func within(in *segment.Segment, f framebuffer.Frame) {
	payload, _ := in.Ring.Payload(f.Offset)
	layout.NewHeaderCodec(in.Control.Nonce()).Put(payload[128:], f.Offset+128+layout.ChunkHeader, layout.Chunk{Size: 64})
}

// overHeld makes a header where the held chunk is, as if the ring had come round to it.
func overHeld(in *segment.Segment) {
	start := in.Control.Holds()[0].Start.Load() &^ layout.HoldClaims
	payload, _ := in.Ring.Payload(start + layout.ChunkHeader)
	p := start + layout.ChunkHeader
	for p+in.Control.Capacity() < in.Control.Head().Load() {
		p += in.Control.Capacity()
	}
	layout.NewHeaderCodec(in.Control.Nonce()).Put(payload, p+layout.ChunkHeader, layout.Chunk{Size: 64})
}
