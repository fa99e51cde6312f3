package follow

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Publisher is a [topic.Publisher] that continues in the next ring. Its methods may be called
// concurrently. None waits for a ring: between two servers frames are lost and counted. It needs no
// Close.
type Publisher struct {
	chain *Chain
	name  string

	mu              sync.Mutex // held by open
	now             atomic.Pointer[outlet]
	published, lost atomic.Uint64
}

// outlet is a publisher in one ring.
type outlet struct {
	link *link
	pub  *topic.Publisher
}

// Publisher opens the topic in the present ring as [topic.NewPublisher] does, and returns its errors.
// Between two servers the topic opens when the next ring is there.
func (c *Chain) Publisher(name string) (*Publisher, error) {
	p := &Publisher{chain: c, name: name}
	_, err := p.open()
	if errors.Is(err, framebuffer.ErrClosed) && !c.options.Stay && c.Err() == nil {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// open returns the publisher in the present ring.
func (p *Publisher) open() (*outlet, error) {
	l := p.chain.now.Load()
	if o := p.now.Load(); o != nil && o.link == l {
		return o, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if o := p.now.Load(); o != nil && o.link == l {
		return o, nil
	}
	pub, err := topic.NewPublisher(l.ring, p.name)
	if err != nil {
		return nil, p.explain(l, err)
	}
	o := &outlet{l, pub}
	p.now.Store(o)
	return o, nil
}

// explain adds to the error of an ended ring that another ring may come.
func (p *Publisher) explain(l *link, err error) error {
	if !errors.Is(err, framebuffer.ErrClosed) || p.chain.options.Stay {
		return err
	}
	p.chain.check(l)
	if end := p.chain.Err(); end != nil {
		return end
	}
	return fmt.Errorf("%w: nothing can be published to topic %q until the next server is there: %w", framebuffer.ErrServerGone, p.name, err)
}

// Topic returns the topic's name.
func (p *Publisher) Topic() string { return p.name }

// Published returns how many frames were published, in all rings.
func (p *Publisher) Published() uint64 { return p.published.Load() }

// Lost returns how many frames were not published because there was no server.
func (p *Publisher) Lost() uint64 { return p.lost.Load() }

// Publish copies data into the present ring and publishes it: see [topic.Publisher.Publish].
func (p *Publisher) Publish(data []byte, m *topic.Meta) (topic.Message, error) {
	for again := true; ; again = false {
		o, err := p.open()
		if err != nil {
			return p.count(topic.Message{}, err)
		}
		msg, err := o.pub.Publish(data, m)
		if errors.Is(err, framebuffer.ErrClosed) && again && p.chain.now.Load() != o.link {
			continue // the next ring has come meanwhile
		}
		msg.Ring = o.link.number
		return p.count(msg, p.explainIf(o, err))
	}
}

// PublishFrame publishes a frame of the present ring: see [topic.Publisher.PublishFrame]. For a frame of
// an earlier ring it returns framebuffer.ErrServerGone.
func (p *Publisher) PublishFrame(f framebuffer.Frame, m *topic.Meta, at time.Time) (topic.Message, error) {
	o, err := p.open()
	if err != nil {
		return p.count(topic.Message{}, err)
	}
	if f.Key != o.link.ring.Key() && p.chain.isEarlier(f.Key) {
		return p.count(topic.Message{}, fmt.Errorf("%w: the frame lies in the ring of %.200q, and the next server's has taken its place", framebuffer.ErrServerGone, f.Key))
	}
	msg, err := o.pub.PublishFrame(f, m, at)
	msg.Ring = o.link.number
	return p.count(msg, p.explainIf(o, err))
}

func (p *Publisher) explainIf(o *outlet, err error) error {
	if err == nil {
		return nil
	}
	return p.explain(o.link, err)
}

// count counts a frame as published, or as lost because there is no server.
func (p *Publisher) count(msg topic.Message, err error) (topic.Message, error) {
	switch {
	case err == nil:
		p.published.Add(1)
		return msg, nil
	case errors.Is(err, framebuffer.ErrClosed) || p.chain.Err() != nil:
		p.lost.Add(1)
	}
	return topic.Message{}, err
}

// Reserve reserves a chunk in the present ring: see [framebuffer.Client.Reserve]. Without a server it
// returns framebuffer.ErrServerGone.
func (p *Publisher) Reserve(size int) (*framebuffer.Reservation, error) {
	o, err := p.open()
	if err != nil {
		return nil, err
	}
	r, err := o.link.ring.Reserve(size)
	return r, p.explainIf(o, err)
}

// Put puts a frame into the present ring: see [framebuffer.Client.Put]. Without a server it returns
// framebuffer.ErrServerGone.
func (p *Publisher) Put(data []byte) (framebuffer.Frame, error) {
	o, err := p.open()
	if err != nil {
		return framebuffer.Frame{}, err
	}
	f, err := o.link.ring.Put(data)
	return f, p.explainIf(o, err)
}

// Follows reports whether another ring may come.
func (p *Publisher) Follows() bool { return p.chain.Err() == nil && !p.chain.options.Stay }

// Ring returns the present ring, which may have ended.
func (p *Publisher) Ring() *framebuffer.Client { return p.chain.Ring() }

// End ends the topic: see [topic.Publisher.End]. Without a server it does nothing and returns
// framebuffer.ErrServerGone.
func (p *Publisher) End() error {
	o, err := p.open()
	if err != nil {
		return err
	}
	return p.explainIf(o, o.pub.End())
}
