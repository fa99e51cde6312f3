package service

import (
	"context"
	"iter"

	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// Subscription is a topic.Subscription that goes on with the next server. The ring of a server
// that has ended is read to its end. The next one's is read from the first frame that was
// published there, whatever the subscription began with, and so does a group of the same name.
// What is missing is counted as lost: for a user who is busy, that is what was not read a second
// after the server's end. A message's Ring counts the servers.
//
// Next and Frames may not be called concurrently with each other; the other methods may, with
// everything.
type Subscription struct{ in *follow.Subscription }

// Subscribe opens the topic in the ring of the server that is attached, as topic.Subscribe does,
// whose errors it returns. Frames are read with this client, before Next is called again: when the
// server has ended, its ring is let go of within a second, and a frame in it is
// framebuffer.ErrStaleKey then. Hold keeps one for longer.
func (c *Client) Subscribe(name string, opts *topic.SubscribeOptions) (*Subscription, error) {
	s, err := c.chain.Subscribe(name, opts)
	if err != nil {
		return nil, err
	}
	return &Subscription{s}, nil
}

// Topic is the topic's name.
func (s *Subscription) Topic() string { return s.in.Topic() }

// Lost is how many frames were gone before they came to this subscription, of all servers.
func (s *Subscription) Lost() uint64 { return s.in.Lost() }

// Received is how many messages Next has returned.
func (s *Subscription) Received() uint64 { return s.in.Received() }

// Next returns the next message, and waits for it, and for the next server. It returns the error
// of ctx, topic.ErrEnded when the topic was ended and everything in it has been seen, and
// framebuffer.ErrClosed after the Close of the subscription or the client. When the next server
// cannot be followed, since it is of another version or of another user, it says so.
func (s *Subscription) Next(ctx context.Context) (topic.Message, error) { return s.in.Next(ctx) }

// Frames returns the messages as Next does, until ctx is done, the topic has ended, or there is an
// error: these end the loop, and only the last is told.
func (s *Subscription) Frames(ctx context.Context) iter.Seq2[topic.Message, error] {
	return s.in.Frames(ctx)
}

// Close ends the subscription, and a Next that is under way. Closing again does nothing.
func (s *Subscription) Close() error { return s.in.Close() }
