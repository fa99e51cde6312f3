package monitor

import (
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/topics"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Frame is a published frame.
type Frame struct {
	Sequence uint64               `json:"sequence"`
	Offset   uint64               `json:"offset,string"`
	Place    uint64               `json:"place_bytes"` // Offset modulo the capacity
	Size     int                  `json:"size_bytes"`
	Checksum framebuffer.Checksum `json:"checksum"`
	Time     time.Time            `json:"time"`        // by its publisher's clock
	Age      Seconds              `json:"age_seconds"` // since then; negative if that is in the future
	Source   string               `json:"source"`      // its publisher's name, while that is attached
	Meta     topic.Meta           `json:"meta"`
}

// maxTries is how many frames newest tries. A frame may be overwritten before frames that were
// published earlier, if it was allocated before them. Only holds keep older ones for longer.
const maxTries = 4

// newest returns the topic's last frame that is still there, or nil.
func (r *reader) newest(s *Snapshot, index int) *Frame {
	t := topics.At(r.in.Control, r.in.Ring, index)
	next := t.Next()
	var rec topics.Record
	for i := uint64(1); i <= min(next, t.Depth(), maxTries); i++ {
		if t.LoadOnce(next-i, &rec) && rec.Size <= s.Capacity {
			return frameOf(s, &rec)
		}
	}
	return nil
}

// frameOf converts a record.
//
// Preconditions: rec.Size <= the capacity.
func frameOf(s *Snapshot, rec *topics.Record) *Frame {
	f := &Frame{
		Sequence: rec.Sequence, Offset: rec.Offset, Place: rec.Offset % s.Capacity, Size: int(rec.Size), Checksum: framebuffer.Checksum(rec.Checksum),
		Time: time.Unix(0, rec.Time).UTC(), Age: seconds(s.Time.UnixNano() - rec.Time),
	}
	for _, c := range s.Clients {
		if c.Slot == int(rec.Source) {
			f.Source = c.Name
		}
	}
	if rec.HasContent {
		f.Meta = metaOf(&rec.Content)
	}
	return f
}

func metaOf(c *topics.Content) topic.Meta {
	w, h := c.Size()
	m := topic.Meta{ContentType: clean(c.Type()), Width: int(w), Height: int(h), Format: clean(c.Format()), User: c.User()}
	for _, n := range c.Shape() {
		m.Shape = append(m.Shape, int(n))
	}
	return m
}
