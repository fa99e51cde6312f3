package topic

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Next is the number that the next frame gets, by whomever it is published.
func (p *Publisher) Next() uint64 { return p.topic.Next() }

// Mirror publishes f under the number, with the time and the metadata that m has: for a topic
// that is the copy of another ring's, f being the copy of m's frame in this ring. Numbers
// that were not published before count as lost for subscribers. Those below a topic's first
// frame do not, but for the last m.Lost of them. Only one Publisher should publish to such a
// topic, from one goroutine.
//
// It returns ErrNumber when that number, or a later one, was published already, or when it is 2^62
// or more, and the errors of PublishFrame.
func (p *Publisher) Mirror(f framebuffer.Frame, m Message) (Message, error) {
	return p.publish(f, &m.Meta, m.Time, &m)
}

func (p *Publisher) mirror(of *Message, rec *topics.Record, record func(int) (uint64, []byte, error)) error {
	if of.Sequence >= topics.MaxSequence {
		return fmt.Errorf("%w: number %d of topic %q; numbers are below %d: look at where it comes from", ErrNumber, of.Sequence, p.name, uint64(topics.MaxSequence))
	}
	done, err := p.topic.PublishAs(of.Sequence-min(of.Lost, of.Sequence), of.Sequence, rec, record)
	if err == nil && !done {
		err = fmt.Errorf("%w: number %d of topic %q, whose next is %d: does anybody else publish to the mirrored topic?", ErrNumber, of.Sequence, p.name, p.Next())
	}
	return err
}

// Reopen opens the topic again after an End.
func (p *Publisher) Reopen() error {
	if err := p.segment.CheckUsable(); err != nil {
		return err
	}
	p.topic.Reopen()
	return nil
}
