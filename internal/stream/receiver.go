package stream

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
)

// Receiver takes one stream. It belongs to one goroutine.
type Receiver struct {
	nc     *nats.Conn
	asker  *Asker // who may use the subscription again
	sub    *nats.Subscription
	inbox  string // where the stream comes
	window uint64
	heard  string // where to say how far it has come; "" until the sender has said
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

// Next returns the next part, and by asking for it says that the last one was taken. It
// returns nats.ErrNoResponders and other errors of NATS, and the context's. What has no
// position is a word of the sender's, such as an error; its bytes are not of the stream.
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
		if m.Subject != r.inbox {
			continue
		}
		p := Part{Header: m.Header, Data: m.Data, Beat: m.Header.Get(Beat) != ""}
		at, ok := parse(m.Header.Get(At))
		if !ok {
			p.Data = nil
			return p, nil
		}
		if at < r.at { // nothing comes twice
			continue
		}
		if heard := m.Header.Get(Heard); hears(heard) {
			r.heard = heard
		}
		p.Lost = at - r.at
		if r.at = at; p.Beat {
			p.Data = nil
			return p, r.Say()
		}
		r.at += span(len(m.Data))
		return p, nil
	}
}

// Say tells the sender how far this side has come, and that it is there.
func (r *Receiver) Say() error {
	if r.heard == "" {
		return nil
	}
	r.said = r.at
	if err := r.nc.Publish(r.heard, strconv.AppendUint(nil, r.at, 10)); err != nil {
		return fmt.Errorf("answer on %s: %w", r.heard, err)
	}
	return nil
}

// Done ends a stream of which nothing more can come.
func (r *Receiver) Done() {
	r.asker.keep(r.sub)
	r.sub = nil
}

// Close tells the sender that nothing more is wanted, unless it was done.
func (r *Receiver) Close() {
	if r.sub == nil {
		return
	}
	if r.heard != "" {
		_ = r.nc.Publish(r.heard, []byte(stop)) // or it finds out by itself
	}
	_ = r.sub.Unsubscribe() // fails only when the connection is closed
	r.sub = nil
}
