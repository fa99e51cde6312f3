package integrity_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/integrity"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/topic"
)

// wide is a segment with as many topics as there can be, each with a place of its own or all with one.
func wide(t *testing.T, onePlace bool) *framebuffer.Client {
	t.Helper()
	s, err := framebuffer.NewServer(1<<16, &framebuffer.ServerOptions{Topics: layout.MaxTopics, TopicDepth: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c, err := framebuffer.Attach(s.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	ctl := c.Segment().Control
	n := uint64(ctl.Topics())
	for i := range ctl.Topics() {
		hash := n + uint64(i)
		if onePlace {
			hash = n * uint64(i+1)
		}
		ctl.Topic(i).NameHash().Store(hash)
	}
	return c
}

// What a check looks at grows with the tables, and not with their square, wherever the names have their
// places.
func TestCheckIsLinear(t *testing.T) {
	for _, onePlace := range []bool{false, true} {
		c := wide(t, onePlace)
		r := integrity.Check(c.Segment())
		ctl := c.Segment().Control
		entries := ctl.Topics()*(3+ctl.TopicDepth()) + ctl.Groups() + ctl.Subscriptions() + int(ctl.Capacity()/layout.Align)
		if len(r.Problems) > 0 || r.Topics != ctl.Topics() || r.Looks > entries {
			t.Errorf("one place %v: %d looks at %d entries, %d topics, %v", onePlace, r.Looks, entries, r.Topics, r.Problems)
		}
		// A place that is free hides all topics beyond it that are looked for from before it.
		ctl.Topic(7).NameHash().Store(0)
		r = integrity.Check(c.Segment())
		if hidden := "its place is 0, and 7 before it is free"; strings.Contains(strings.Join(r.Problems, "\n"), hidden) != onePlace {
			t.Errorf("one place %v: %v", onePlace, r.Problems)
		}
	}
}

// A check ends with its context, and says where it was.
func TestCheckEndsWithItsContext(t *testing.T) {
	c := wide(t, true)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var at integrity.Progress
	r, err := integrity.CheckContext(ctx, c.Segment(), &at)
	if !errors.Is(err, context.Canceled) || r.Topics != 0 || !strings.Contains(at.String(), " of ") {
		t.Errorf("%+v, at %v: %v", r, &at, err)
	}
}

// A frame that was published to many topics is hashed once: each of them has it, and one that is
// damaged is damaged in all.
func TestSharedFrameIsCheckedForEachTopic(t *testing.T) {
	const most = 8
	c, _ := busy(t)
	f, err := c.Put(make([]byte, 1000))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		pub, err := topic.NewPublisher(c, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pub.PublishFrame(f, nil, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	before := integrity.Check(c.Segment())
	payload, _ := c.Segment().Ring.Payload(f.Offset)
	payload[17]++
	after := integrity.Check(c.Segment())
	if before.Damaged != 0 || before.Frames != most+3 || after.Damaged != 3 {
		t.Errorf("%+v, then %+v", before, after)
	}
}
