//go:build failpoints

package faults

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// order is what a peer is told to do.
type order struct {
	Do      string
	Key     string
	Backend string
	Dir     string
	Traps   string
	Topic   string
	Group   string
	Size    int
	Count   int
	Content bool // say something of it, so that it takes a record
	Offset  uint64
	Seed    uint64
	Time    time.Duration
	Frame   framebuffer.Frame
}

// answer is what came of it.
type answer struct {
	Err      string
	Timeout  bool
	Key      string
	Offset   uint64
	Frame    framebuffer.Frame
	Sequence uint64
	Lost     uint64
}

// peer is a process that does what it is told, one thing after the other, and may be armed to
// die in the middle of one.
type peer struct {
	server  *framebuffer.Server
	client  *framebuffer.Client
	hold    *framebuffer.Hold
	pub     *topic.Publisher
	sub     *topic.Subscription
	reserve *framebuffer.Reservation
}

func rolePeer(c *testproc.Child) error {
	var p peer
	for {
		var o order
		if err := c.Recv(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var a answer
		if err := p.do(o, &a); err != nil {
			a.Err, a.Timeout = err.Error(), errors.Is(err, framebuffer.ErrTimeout)
		}
		if err := c.Send(a); err != nil {
			return err
		}
	}
}

// limit is how long anything may take that has to happen; nothing takes anywhere near as long.
const limit = time.Minute

func (p *peer) do(o order, a *answer) (err error) {
	switch o.Do {
	case "arm":
		return arm(o.Traps)
	case "serve":
		p.server, err = framebuffer.NewServer(int64(o.Size), &framebuffer.ServerOptions{Backend: o.Backend, Dir: o.Dir, Topics: 8, TopicDepth: depth})
		if err == nil {
			a.Key = p.server.Key()
		}
	case "stop":
		return p.server.Close()
	case "attach":
		p.client, err = framebuffer.Attach(o.Key, nil)
	case "close":
		return p.client.Close()
	case "allocate":
		a.Offset, err = p.client.Allocate(o.Size)
	case "write":
		_, err = p.client.Write(o.Offset, grow(o.Seed, o.Size))
	case "put":
		for range max(o.Count, 1) {
			if a.Frame, err = p.client.Put(grow(o.Seed, o.Size)); err != nil {
				return err
			}
		}
	case "reserve":
		p.reserve, err = p.client.Reserve(o.Size)
		a.Offset = p.reserve.Offset()
	case "fill":
		_, err = p.reserve.Write(grow(o.Seed, o.Size))
	case "commit":
		a.Frame, err = p.reserve.Commit(o.Size)
	case "get":
		_, err = p.client.Get(o.Frame)
	case "view":
		err = p.client.View(o.Frame, func([]byte) error { return nil })
	case "hold":
		p.hold, err = p.client.Hold(o.Frame, o.Time)
	case "extend":
		err = p.hold.Extend(o.Time)
	case "release":
		err = p.hold.Release()
	case "publisher":
		p.pub, err = topic.NewPublisher(p.client, o.Topic)
	case "publish":
		var m topic.Message
		var meta *topic.Meta
		if o.Content {
			meta = &topic.Meta{Width: 3}
		}
		m, err = p.pub.Publish(frameOf(o.Seed, o.Size), meta)
		a.Frame, a.Sequence = m.Frame, m.Sequence
	case "end":
		err = p.pub.End()
	case "subscribe":
		p.sub, err = topic.Subscribe(p.client, o.Topic, &topic.SubscribeOptions{Group: o.Group})
	case "next":
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		var m topic.Message
		m, err = p.sub.Next(ctx)
		a.Frame, a.Sequence, a.Lost = m.Frame, m.Sequence, m.Lost
	case "unsubscribe":
		err = p.sub.Close()
	default:
		err = fmt.Errorf("no such order: %q", o.Do)
	}
	return err
}

// grow is the bytes of a frame, by its seed.
func grow(seed uint64, n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)}).Read(data)
	return data
}

// frameOf is grow for frames that say themselves what they are.
func frameOf(seed uint64, n int) []byte {
	data := grow(seed, max(n, 8))
	binary.LittleEndian.PutUint64(data, seed)
	return data
}

// rightful reports whether bytes are a frame of frameOf.
func rightful(data []byte) bool {
	return len(data) >= 8 && string(data) == string(frameOf(binary.LittleEndian.Uint64(data), len(data)))
}

// handle is a peer as the test has it.
type handle struct {
	*testproc.Proc
	t testing.TB
}

func newPeer(t testing.TB, opts ...testproc.Option) handle {
	return handle{testproc.StartWith(t, opts, "peer"), t}
}

// must does what is told, and fails the test if that does not work.
func (h handle) must(o order) answer {
	h.t.Helper()
	a, err := h.try(o)
	if err != nil {
		h.t.Fatalf("%s: %v", o.Do, err)
	}
	if a.Err != "" {
		h.t.Fatalf("%s: %s", o.Do, a.Err)
	}
	return a
}

// try does what is told; the error says that the peer died of it.
func (h handle) try(o order) (a answer, err error) {
	h.Send(o)
	return a, h.TryRecv(&a)
}
