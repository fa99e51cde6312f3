package stream

import (
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

const (
	// maxIdle is how many subscriptions a Requester keeps that no stream uses. nats.go allocates half
	// a megabyte for the messages of each.
	maxIdle = 8

	// slack is how many messages may wait beyond the window: heartbeats, errors, and one part.
	slack = 1 << 10
)

// Requester requests streams, and uses its subscriptions again: a NATS server tells all others of a
// cluster of each new subscription, and again when it ends, which costs much for one frame. Its methods
// may be called concurrently.
type Requester struct {
	nc *nats.Conn

	mu     sync.Mutex
	idle   []*nats.Subscription
	closed bool
}

// NewRequester returns a requester on a connection, which the caller closes.
func NewRequester(nc *nats.Conn) *Requester { return &Requester{nc: nc} }

// Request sends a request whose answer is a stream. A window of 0 means the default.
func (q *Requester) Request(request *nats.Msg, window uint64) (*Receiver, error) {
	sub := q.takeIdle()
	if sub == nil {
		var err error
		if sub, err = q.nc.SubscribeSync(q.nc.NewInbox() + ".*"); err != nil {
			return nil, fmt.Errorf("request %s: %w", request.Subject, err)
		}
	}
	// Each stream has its own subject, so that late parts of an earlier one are not taken for its parts.
	inbox := strings.TrimSuffix(sub.Subject, "*") + newToken()
	request.Reply = inbox
	window = clampWindow(window)
	// Twice what a correct sender can have in flight, with headers of 3 KiB. NATS drops the rest.
	err := sub.SetPendingLimits(2*int(window/minSpan)+slack, 8*int(window)+slack*minSpan)
	if err == nil {
		err = q.nc.PublishMsg(request)
	}
	if err != nil {
		_ = sub.Unsubscribe() // the error is returned already
		return nil, fmt.Errorf("request %s: %w", request.Subject, err)
	}
	return &Receiver{nc: q.nc, requester: q, sub: sub, inbox: inbox, window: window}, nil
}

// takeIdle returns an idle subscription that has received nothing since it was kept, or nil.
func (q *Requester) takeIdle() *nats.Subscription {
	q.mu.Lock()
	defer q.mu.Unlock()
	for n := len(q.idle) - 1; n >= 0; n-- {
		sub := q.idle[n]
		q.idle = q.idle[:n]
		if untouched(sub) {
			return sub
		}
		_ = sub.Unsubscribe() // fails only when the connection is closed
	}
	return nil
}

// untouched reports whether no message waits in a subscription and it has never dropped one.
func untouched(sub *nats.Subscription) bool {
	waiting, _, err1 := sub.Pending()
	dropped, err2 := sub.Dropped()
	return err1 == nil && err2 == nil && waiting == 0 && dropped == 0
}

// keep keeps a subscription for the next stream, if there are not too many.
func (q *Requester) keep(sub *nats.Subscription) {
	// If the sender goes on sending, no goroutine reads it: one message is kept to know of it.
	err := sub.SetPendingLimits(1, minSpan)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil || q.closed || len(q.idle) == maxIdle {
		_ = sub.Unsubscribe()
		return
	}
	q.idle = append(q.idle, sub)
}

// Close ends the idle subscriptions. One that a stream uses ends with the stream.
func (q *Requester) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, sub := range q.idle {
		_ = sub.Unsubscribe()
	}
	q.idle = nil
}
