package parts

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
)

// Receiver takes one stream. It belongs to one goroutine.
type Receiver struct {
	nc     *nats.Conn
	sub    *nats.Subscription
	window uint64
	reply  string // where to say how far it has come
	at     uint64 // the stream's position that comes next
	said   uint64 // how far it has said that it has come
}

// Part is a message of a stream. Its slices are the receiver's caller's.
type Part struct {
	Header nats.Header
	Data   []byte
	Lost   uint64 // bytes of the stream that are lost before this part
	Beat   bool   // nothing but a word of where the sender is
}

// Ask sends a request whose answer is a stream. A window of 0 means the default.
func Ask(nc *nats.Conn, request *nats.Msg, window uint64) (*Receiver, error) {
	request.Reply = nc.NewInbox()
	sub, err := nc.SubscribeSync(request.Reply)
	if err == nil {
		err = nc.PublishMsg(request)
	}
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", request.Subject, err)
	}
	return &Receiver{nc: nc, sub: sub, window: clampWindow(window)}, nil
}

// Next returns the next part, and by asking for it says that the last one was taken. It
// returns nats.ErrNoResponders and other errors of NATS, and the context's.
func (r *Receiver) Next(ctx context.Context) (Part, error) {
	if r.at-r.said >= r.window/8 {
		if err := r.Say(); err != nil {
			return Part{}, err
		}
	}
	for {
		m, err := r.sub.NextMsgWithContext(ctx)
		if err != nil {
			return Part{}, err
		}
		p := Part{Header: m.Header, Data: m.Data, Beat: m.Header.Get(Beat) != ""}
		at, ok := parse(m.Header.Get(At))
		if !ok {
			return p, nil // no part of the stream: an error
		}
		if at < r.at { // nothing comes twice
			continue
		}
		r.reply = m.Reply
		p.Lost = at - r.at
		r.at = at + uint64(len(m.Data))
		if p.Beat {
			return p, r.Say()
		}
		return p, nil
	}
}

// Say tells the sender how far this side has come, and that it is there.
func (r *Receiver) Say() error {
	if r.reply == "" { // there was nothing yet
		return nil
	}
	r.said = r.at
	if err := r.nc.Publish(r.reply, strconv.AppendUint(nil, r.at, 10)); err != nil {
		return fmt.Errorf("answer %s: %w", r.reply, err)
	}
	return nil
}

// Close tells the sender that nothing more is wanted.
func (r *Receiver) Close() {
	if r.reply != "" {
		_ = r.nc.Publish(r.reply, []byte(stop)) // or it finds out by itself
	}
	_ = r.sub.Unsubscribe() // fails only when the connection is closed
}
