package service

import (
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// Publisher is a topic.Publisher that goes on with the next server. It waits for none: what is
// published while there is no server is lost, and counted. Its methods may be called concurrently.
// It needs no Close.
type Publisher struct{ in *follow.Publisher }

// Publisher opens the topic in the ring of the server that is attached, as topic.NewPublisher
// does, whose errors it returns; between two servers, in that of the next one. After the client's
// Close its methods return framebuffer.ErrClosed.
func (c *Client) Publisher(name string) (*Publisher, error) {
	p, err := c.chain.Publisher(name)
	if err != nil {
		return nil, err
	}
	return &Publisher{p}, nil
}

// Topic is the topic's name.
func (p *Publisher) Topic() string { return p.in.Topic() }

// Published is how many frames were published, to all servers.
func (p *Publisher) Published() uint64 { return p.in.Published() }

// Lost is how many frames Publish and PublishFrame were given that no server was there for. A frame
// that was published in the moment in which the server ended may have been received all the same.
func (p *Publisher) Lost() uint64 { return p.in.Lost() }

// Publish copies data into the ring and publishes it: see topic.Publisher.Publish. While there is
// no server it returns framebuffer.ErrServerGone, at once, and the frame is lost; what is given
// later is published once the next server is there. When that cannot be followed, since it is of
// another version or of another user, each call says so.
func (p *Publisher) Publish(data []byte, m *topic.Meta) (topic.Message, error) {
	return p.in.Publish(data, m)
}

// PublishFrame publishes a frame that lies in the ring already: see topic.Publisher.PublishFrame.
// For a frame in the ring of an earlier server it returns framebuffer.ErrServerGone, as Publish
// does without a server.
func (p *Publisher) PublishFrame(f framebuffer.Frame, m *topic.Meta, at time.Time) (topic.Message, error) {
	return p.in.PublishFrame(f, m, at)
}

// Reserve takes a place in the ring to be filled where it is, and then published with
// PublishFrame: see framebuffer.Client.Reserve. Without a server it returns
// framebuffer.ErrServerGone.
func (p *Publisher) Reserve(size int) (*framebuffer.Reservation, error) { return p.in.Reserve(size) }

// End says that nothing more comes: see topic.Publisher.End. Without a server it returns
// framebuffer.ErrServerGone, and no subscriber is told.
func (p *Publisher) End() error { return p.in.End() }
