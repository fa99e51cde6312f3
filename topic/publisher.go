package topic

import (
	"fmt"
	"runtime"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Publisher puts frames into one topic. Its methods may be called concurrently, and there
// may be any number of publishers of a topic in any number of processes. It needs no Close.
type Publisher struct {
	client  *framebuffer.Client
	segment *segment.Segment
	topic   *topics.Topic
	name    string
}

// NewPublisher opens the topic of that name, 1 to MaxName bytes, and makes it if there is
// none. A topic that was ended is open again. It returns ErrBadName, ErrTopicLimit,
// framebuffer.ErrReadOnly and framebuffer.ErrClosed.
func NewPublisher(c *framebuffer.Client, name string) (*Publisher, error) {
	if err := checkName("topic", name); err != nil {
		return nil, err
	}
	in := c.Segment()
	defer runtime.KeepAlive(c)
	if in.ReadOnly {
		return nil, fmt.Errorf("%w: this client attached with ReadOnly and cannot publish: attach without it", framebuffer.ErrReadOnly)
	}
	t, err := topics.Open(in.Control, in.Ring, name)
	if closed := in.CheckUsable(); closed != nil {
		return nil, closed
	}
	if err != nil {
		return nil, err
	}
	t.Reopen()
	return &Publisher{client: c, segment: in, topic: t, name: name}, nil
}

// Topic is the topic's name.
func (p *Publisher) Topic() string { return p.name }

// Publish copies data into the ring and publishes it, saying nothing of it if m is nil. It
// returns what framebuffer's Put and PublishFrame return. What is too large for the ring with
// its metadata is found before anything is overwritten.
func (p *Publisher) Publish(data []byte, m *Meta) (Message, error) {
	if err := topics.CheckSize(p.segment.Ring, len(data), !m.none()); err != nil {
		return Message{}, err
	}
	f, err := p.client.Put(data)
	if err != nil {
		return Message{}, err
	}
	return p.PublishFrame(f, m, time.Time{})
}

// PublishFrame publishes a frame that lies in the ring already: what a Reservation's Commit
// returned, or what came from another topic or over any RPC. Nothing is copied. at is when
// the frame was taken; the zero time means now.
//
// What describes a frame lies in the ring beside it: its metadata, and what is said of a frame
// that is published again, or by another client than wrote it. So frames that are nearly as
// large as the ring can be published once, by their writer, without metadata: otherwise it
// returns framebuffer.ErrTooLarge, which names the largest size. [MaxSize] tells it beforehand.
//
// It also returns ErrBadMeta, ErrEnded after an End, framebuffer.ErrBadKey for a frame
// of another ring, framebuffer.ErrTimeout when the ring has reused it, framebuffer.ErrHoldLimit
// when holds leave no room for what describes it, framebuffer.ErrBadOffset and ErrBadSize for
// what is no frame, framebuffer.ErrClosed, and framebuffer.ErrServerGone when the server's process
// has died. With the last two the frame may have been received all the same.
func (p *Publisher) PublishFrame(f framebuffer.Frame, m *Meta, at time.Time) (Message, error) {
	return p.publish(f, m, at, nil)
}

// publish publishes under the next number, or under that of of.
func (p *Publisher) publish(f framebuffer.Frame, m *Meta, at time.Time, of *Message) (Message, error) {
	defer runtime.KeepAlive(p.client)
	if f.Key != p.client.Key() {
		return Message{}, fmt.Errorf("%w: the frame lies in the ring of %.200q, topic %q in that of %q", framebuffer.ErrBadKey, f.Key, p.name, p.client.Key())
	}
	if err := p.segment.CheckUsable(); err != nil {
		return Message{}, err
	}
	rec := topics.Record{Offset: f.Offset, Size: uint64(f.Size), Checksum: uint64(f.Checksum), Source: p.segment.Slot.Index}
	msg := Message{Frame: f, Time: at}
	if !m.none() {
		var err error
		if rec.Content, err = m.content(); err != nil {
			return Message{}, err
		}
		rec.HasContent, msg.Meta = true, *m
	}
	in := p.segment
	now := in.Clock.Coarse()
	if at.IsZero() {
		msg.Time = time.Unix(0, in.Clock.Wall(now))
	}
	rec.Time = msg.Time.UnixNano()
	record := func(size int) (uint64, []byte, error) {
		return in.AllocateBeside(f.Offset, f.Size, size, now)
	}
	var seq uint64
	var err error
	if of == nil {
		seq, err = p.topic.Publish(&rec, record)
	} else {
		seq, err = of.Sequence, p.mirror(of, &rec, record)
	}
	if closed := in.CheckUsable(); closed != nil {
		return Message{}, closed
	}
	if err == nil {
		// A subscriber that found the server's end, and nothing published, has ended. It looked at
		// the end first and at the queue afterwards; this side stored into the queue, by a locked
		// instruction, and looks at the end now: one of the two sees what the other did.
		err = in.Ring.CheckOpen()
	}
	if err != nil {
		return Message{}, err
	}
	msg.Sequence = seq
	return msg, nil
}

// End says that nothing more comes, to all subscribers and publishers of the topic: those
// get io.EOF when they have seen everything, these ErrEnded. A later NewPublisher opens the
// topic again. When the server has ended it returns framebuffer.ErrClosed, and subscribers are
// told of that end instead.
func (p *Publisher) End() error {
	defer runtime.KeepAlive(p.client)
	ended := p.segment.Ring.CheckOpen()
	if err := p.segment.CheckUsable(); err != nil {
		return err
	}
	if ended != nil {
		return ended
	}
	p.topic.End()
	return nil
}
