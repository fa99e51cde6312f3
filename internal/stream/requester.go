package stream

import (
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// maxIdle is how many subscriptions an Asker keeps that no stream uses: each has room for as many
// messages as nats.go gives it, half a megabyte.
const maxIdle = 8

// Asker asks for one stream after the other, and uses its subscriptions again. Each that is new goes from
// its NATS server to all others of the cluster, and is taken back there: much, for a frame. Its methods
// may be called concurrently.
type Asker struct {
	nc *nats.Conn

	mu     sync.Mutex
	idle   []*nats.Subscription
	closed bool
}

// NewAsker returns an asker on a connection, which stays the caller's.
func NewAsker(nc *nats.Conn) *Asker { return &Asker{nc: nc} }

// slack is how many messages may wait beyond the window: beats, errors, and one part.
const slack = 1 << 10

// Ask sends a request whose answer is a stream. A window of 0 means the default.
func (a *Asker) Ask(request *nats.Msg, window uint64) (*Receiver, error) {
	sub := a.take()
	if sub == nil {
		var err error
		if sub, err = a.nc.SubscribeSync(a.nc.NewInbox() + ".*"); err != nil {
			return nil, fmt.Errorf("request %s: %w", request.Subject, err)
		}
	}
	// Each stream has a subject of its own: what comes late, of an earlier one, is not taken for its.
	inbox := strings.TrimSuffix(sub.Subject, "*") + newToken()
	request.Reply = inbox
	window = clampWindow(window)
	// Twice what an honest sender can have on the way, headers of 3 KiB included. What somebody
	// sends beyond that is dropped.
	err := sub.SetPendingLimits(2*int(window/least)+slack, 8*int(window)+slack*least)
	if err == nil {
		err = a.nc.PublishMsg(request)
	}
	if err != nil {
		_ = sub.Unsubscribe() // the error is told already
		return nil, fmt.Errorf("request %s: %w", request.Subject, err)
	}
	return &Receiver{nc: a.nc, asker: a, sub: sub, inbox: inbox, window: window}, nil
}

// take returns a subscription that nothing came to while nobody used it, or nil.
func (a *Asker) take() *nats.Subscription {
	a.mu.Lock()
	defer a.mu.Unlock()
	for n := len(a.idle) - 1; n >= 0; n-- {
		sub := a.idle[n]
		a.idle = a.idle[:n]
		if untouched(sub) {
			return sub
		}
		_ = sub.Unsubscribe() // fails only when the connection is closed
	}
	return nil
}

// untouched reports whether a subscription has nothing waiting and has never dropped anything.
func untouched(sub *nats.Subscription) bool {
	waiting, _, err1 := sub.Pending()
	dropped, err2 := sub.Dropped()
	return err1 == nil && err2 == nil && waiting == 0 && dropped == 0
}

// keep keeps a subscription for the next stream, if there is room.
func (a *Asker) keep(sub *nats.Subscription) {
	// Nobody takes what a sender goes on with: so nothing of it is kept but that it came.
	err := sub.SetPendingLimits(1, least)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil || a.closed || len(a.idle) == maxIdle {
		_ = sub.Unsubscribe()
		return
	}
	a.idle = append(a.idle, sub)
}

// Close lets go of the subscriptions; of one in use when its stream ends.
func (a *Asker) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for _, sub := range a.idle {
		_ = sub.Unsubscribe()
	}
	a.idle = nil
}
