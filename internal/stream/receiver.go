package stream

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
)

// Receiver receives one stream. It may be used by one goroutine at a time.
type Receiver struct {
	nc         *nats.Conn
	requester  *Requester // takes back the subscription
	sub        *nats.Subscription
	inbox      string // subject to which the stream is sent
	window     uint64
	ackSubject string // "" until the sender has named it
	at         uint64 // position that comes next
	acked      uint64 // position of the last acknowledgement
}

// Part is a message of a stream. The caller of [Receiver.Next] owns its slices.
type Part struct {
	Header    nats.Header
	Data      []byte
	Lost      uint64 // bytes of the stream that were lost before this part
	Heartbeat bool   // the part has no bytes and only tells the sender's position
}

// Next returns the next part, and thereby acknowledges the last one. It returns errors of NATS,
// nats.ErrNoResponders among them, and the context's. A message without a position is not part of the
// stream but a word of the sender, such as an error: Next returns its headers without its bytes.
func (r *Receiver) Next(ctx context.Context) (Part, error) {
	if r.at-r.acked >= r.window/8 {
		if err := r.Ack(); err != nil {
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
		p := Part{Header: m.Header, Data: m.Data, Heartbeat: m.Header.Get(HeaderHeartbeat) != ""}
		at, ok := parse(m.Header.Get(HeaderAt))
		if !ok {
			p.Data = nil
			return p, nil
		}
		if at < r.at { // a duplicate
			continue
		}
		if subject := m.Header.Get(HeaderAckSubject); validAckSubject(subject) {
			r.ackSubject = subject
		}
		p.Lost = at - r.at
		if r.at = at; p.Heartbeat {
			p.Data = nil
			return p, r.Ack()
		}
		r.at += span(len(m.Data))
		return p, nil
	}
}

// Ack acknowledges everything up to the receiver's position. It does nothing before the sender has
// named the subject for acknowledgements.
func (r *Receiver) Ack() error {
	if r.ackSubject == "" {
		return nil
	}
	r.acked = r.at
	if err := r.nc.Publish(r.ackSubject, strconv.AppendUint(nil, r.at, 10)); err != nil {
		return fmt.Errorf("answer on %s: %w", r.ackSubject, err)
	}
	return nil
}

// Done ends a stream that was received to its end. The subscription is used again.
func (r *Receiver) Done() {
	r.requester.keep(r.sub)
	r.sub = nil
}

// Close ends the stream, and tells the sender so, unless Done was called.
func (r *Receiver) Close() {
	if r.sub == nil {
		return
	}
	if r.ackSubject != "" {
		_ = r.nc.Publish(r.ackSubject, []byte(stopWord)) // if it fails, the sender's idle limit ends the stream
	}
	_ = r.sub.Unsubscribe() // fails only when the connection is closed
	r.sub = nil
}
