package topic

import (
	"runtime"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Exists reports whether the client's segment has a topic of that name. Unlike [Subscribe] and
// [NewPublisher] it makes none. After the client's Close it reports false.
func Exists(c *framebuffer.Client, name string) bool {
	_, there := find(c, name)
	runtime.KeepAlive(c)
	return there
}

// Newest returns the message of the last frame that was published to a topic, if that frame is
// still there, without subscribing.
func Newest(c *framebuffer.Client, name string) (m Message, ok bool) {
	defer runtime.KeepAlive(c)
	t, there := find(c, name)
	if !there {
		return m, false
	}
	var rec topics.Record
	if !t.LoadOnce(t.Newest(), &rec) || c.Segment().CheckUsable() != nil {
		return m, false
	}
	fill(&m, c.Key(), &rec)
	if rec.HasContent {
		m.Meta = metaOf(&rec.Content)
	}
	return m, true
}

// MaxSize is the size of the largest frame that a client can publish with that metadata, which may
// be nil: once, the client having written the frame itself, while nothing is held.
func MaxSize(c *framebuffer.Client, m *Meta) int {
	defer runtime.KeepAlive(c)
	return topics.MaxSize(c.Segment().Ring, !m.none())
}

// CheckSize returns framebuffer.ErrTooLarge, with the largest size, for a frame of more than
// [MaxSize] bytes.
func CheckSize(c *framebuffer.Client, size int, m *Meta) error {
	defer runtime.KeepAlive(c)
	return topics.CheckSize(c.Segment().Ring, size, !m.none())
}

func find(c *framebuffer.Client, name string) (*topics.Topic, bool) {
	s := c.Segment()
	return topics.Find(s.Control, s.Ring, name)
}

// fill stores in m, which is zero, what a record says, except for its metadata.
func fill(m *Message, key string, rec *topics.Record) {
	m.Frame = framebuffer.Frame{Key: key, Offset: rec.Offset, Size: int(rec.Size), Checksum: framebuffer.Checksum(rec.Checksum)}
	m.Sequence, m.Time = rec.Sequence, time.Unix(0, rec.Time)
}
