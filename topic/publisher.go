package topic

import (
	"fmt"
	"runtime"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Publisher publishes frames to one topic. Its methods may be called concurrently, and a topic may have
// any number of publishers in any number of processes. It needs no Close.
type Publisher struct {
	client  *framebuffer.Client
	segment *segment.Segment
	topic   *topics.Topic
	name    string
}

// NewPublisher opens the topic of that name, 1 to [MaxName] bytes, and makes it if there is none. It
// opens a topic that was ended again. Errors are ErrBadName, ErrTopicLimit, framebuffer.ErrReadOnly and
// framebuffer.ErrClosed.
func NewPublisher(c *framebuffer.Client, name string) (*Publisher, error) {
	if err := checkName("topic", name); err != nil {
		return nil, err
	}
	seg := c.Segment()
	defer runtime.KeepAlive(c)
	if seg.ReadOnly {
		return nil, fmt.Errorf("%w: this client attached with ReadOnly and cannot publish: attach without it", framebuffer.ErrReadOnly)
	}
	t, err := topics.Open(seg.Control, seg.Ring, name)
	if closed := seg.CheckUsable(); closed != nil {
		return nil, closed
	}
	if err != nil {
		return nil, err
	}
	t.Reopen()
	return &Publisher{client: c, segment: seg, topic: t, name: name}, nil
}

// Topic is the topic's name.
func (p *Publisher) Topic() string { return p.name }

// Publish copies data into the ring and publishes it with the metadata m, which may be nil. Errors are
// those of [framebuffer.Client.Put] and [Publisher.PublishFrame]. Data that is too large for the ring
// with its metadata is refused before anything is overwritten.
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

// PublishFrame publishes a frame that is in the ring already: from [framebuffer.Reservation.Commit],
// from another topic, or from any RPC. Nothing is copied. at is the frame's time; the zero time means
// now.
//
// A frame is described by a chunk of its own in the ring if it has metadata, if it was published before,
// or if another client wrote it. So a frame that is nearly as large as the ring can be published once, by
// its writer, without metadata; otherwise the error is framebuffer.ErrTooLarge, which names the largest
// size. [MaxSize] returns that size.
//
// Errors also are ErrBadMeta; ErrEnded after an End; framebuffer.ErrBadKey for a frame of another ring;
// framebuffer.ErrTimeout if the frame was overwritten; framebuffer.ErrHoldLimit if holds leave no room
// for its description; framebuffer.ErrBadOffset and framebuffer.ErrBadSize for a Frame that no Commit or
// Put returned; framebuffer.ErrClosed; and framebuffer.ErrServerGone if the server's process has died.
// With the last two, subscribers may have received the frame all the same.
func (p *Publisher) PublishFrame(f framebuffer.Frame, m *Meta, at time.Time) (msg Message, err error) {
	if err = p.publish(&msg, &f, m, at, nil); err != nil {
		msg = Message{}
	}
	return msg, err
}

// publish publishes a frame with the next sequence number, or, if it mirrors a message, with that one's,
// and fills msg, which is zero. With an error msg means nothing.
func (p *Publisher) publish(msg *Message, f *framebuffer.Frame, m *Meta, at time.Time, of *Message) error {
	in := p.segment
	if f.Key != in.Key() {
		return p.errKey(f)
	}
	if err := in.CheckUsable(); err != nil {
		return err
	}
	rec := topics.Record{Offset: f.Offset, Size: uint64(f.Size), Checksum: uint64(f.Checksum), Source: in.Slot.Index}
	msg.Frame = *f
	if m != nil && !m.none() {
		var err error
		if rec.Content, err = m.content(); err != nil {
			return err
		}
		rec.HasContent, msg.Meta = true, *m
	}
	now := in.Clock.Coarse()
	if at.IsZero() {
		rec.Time = in.Clock.Wall(now)
		msg.Time = time.Unix(0, rec.Time)
	} else {
		rec.Time, msg.Time = at.UnixNano(), at
	}
	record := func(size int) (uint64, []byte, error) {
		return in.AllocateBeside(f.Offset, f.Size, size, now)
	}
	var err error
	if of == nil {
		msg.Sequence, err = p.topic.Publish(&rec, record)
	} else {
		msg.Sequence, err = of.Sequence, p.mirror(of, &rec, record)
	}
	if closed := in.CheckUsable(); closed != nil {
		return closed
	}
	if err == nil {
		// A subscriber that sees the server's end and nothing published has ended. It loads the end
		// first and the queue afterwards; this publisher has stored to the queue, by a locked
		// instruction, and loads the end now: one of the two sees the other's store.
		err = in.Ring.CheckOpen()
	}
	runtime.KeepAlive(in) // and with it the memory; not deferred, since nothing loads from it after a panic
	return err
}

func (p *Publisher) errKey(f *framebuffer.Frame) error {
	return fmt.Errorf("%w: the frame lies in the ring of %.200q, topic %q in that of %q", framebuffer.ErrBadKey, f.Key, p.name, p.client.Key())
}

// End ends the topic. Subscribers get ErrEnded, which is io.EOF, after its last message; publishers get
// ErrEnded. A later [NewPublisher] opens the topic again. After the server's end End returns
// framebuffer.ErrClosed, and subscribers get that error too.
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
