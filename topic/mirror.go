package topic

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Next is the sequence number that the next frame of the topic gets.
func (p *Publisher) Next() uint64 { return p.topic.Next() }

// Mirror publishes f with the sequence number, the time and the metadata of m, for a topic that mirrors a
// topic of another ring: f has the bytes of m's frame, in this ring. Sequence numbers that it skips count
// as lost for subscribers, but not those below the topic's first frame, except for the last m.Lost of
// them. Such a topic should have no other publisher, and Mirror be called by one goroutine.
//
// Errors are ErrSequence if that sequence number or a later one was published already, or if it is 2^62 or
// more, and those of [Publisher.PublishFrame].
func (p *Publisher) Mirror(f framebuffer.Frame, m Message) (msg Message, err error) {
	if err = p.publish(&msg, &f, &m.Meta, m.Time, &m); err != nil {
		msg = Message{}
	}
	return msg, err
}

func (p *Publisher) mirror(of *Message, rec *topics.Record, record func(int) (uint64, []byte, error)) error {
	if of.Sequence >= topics.MaxSequence {
		return fmt.Errorf("%w: number %d of topic %q; numbers are below %d: look at where it comes from", ErrSequence, of.Sequence, p.name, uint64(topics.MaxSequence))
	}
	done, err := p.topic.PublishAs(of.Sequence-min(of.Lost, of.Sequence), of.Sequence, rec, record)
	if err == nil && !done {
		err = fmt.Errorf("%w: number %d of topic %q, whose next is %d: does anybody else publish to the mirrored topic?", ErrSequence, of.Sequence, p.name, p.Next())
	}
	return err
}

// Reopen opens the topic again after [Publisher.End].
func (p *Publisher) Reopen() error {
	if err := p.segment.CheckUsable(); err != nil {
		return err
	}
	p.topic.Reopen()
	return nil
}
