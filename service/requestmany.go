package service

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// requestTimeout bounds a request whose context has no deadline.
const requestTimeout = 5 * time.Second

// Any number of servers may answer a request to many, and so may other programs. These bound how many
// answers are read, the bytes of each and of all, those that wait to be read, and the time.
const (
	maxServers     = 1000    // answers that are read
	maxAnswerBytes = 8 << 20 // of all answers to one request; twice that may wait to be read

	// maxIdentity is how long an answer may be that names one server, and maxTopicAnswer one that
	// also describes one topic: names, and at most a sentence on why a mirror waits.
	maxIdentity    = 4 << 10
	maxTopicAnswer = 16 << 10

	// maxAnswer is how long an answer may be that lists topics. A server lists as many as fit into
	// a message of NATS's default size, and says how many more it has.
	maxAnswer = 1 << 20

	// nextAnswer is how long after one answer to wait for another, unless the first took long.
	nextAnswer = 300 * time.Millisecond

	// manyTimeout bounds the whole request: a program may answer again and again.
	manyTimeout = 2 * requestTimeout
)

// A subscription to requests holds at most so many, of so many bytes, until they are handled.
const (
	maxRequests     = 4096
	maxRequestBytes = 4 << 20
)

// manyRequest is a request that every server answers that listens on the subject.
type manyRequest struct {
	Subject   string
	Data      []byte
	Nonce     string // asks for signed answers; "" does not
	MaxAnswer int    // bytes; longer answers are discarded

	// First is how long the first answer may take. Next is how long after one answer another is
	// waited for, or three times as long as the first took if that is longer.
	First, Next time.Duration
}

// message returns the request's message.
func (q *manyRequest) message(reply string) *nats.Msg {
	m := &nats.Msg{Subject: q.Subject, Reply: reply, Data: q.Data, Header: nats.Header{headerRoom: {strconv.Itoa(q.MaxAnswer)}}}
	if q.Nonce != "" {
		m.Header.Set(headerNonce, q.Nonce)
	}
	return m
}

// requestMany sends a request and calls take with each answer, and with how long that took, until
// take returns false. No answer is not an error. More answers than are read are errTooMany.
func requestMany(outer context.Context, nc *nats.Conn, q manyRequest, take func(m *nats.Msg, after time.Duration) bool) error {
	ctx, cancel := context.WithTimeout(outer, manyTimeout)
	defer cancel()
	subject := secretInbox(nc)
	in, err := openInbox(ctx, nc, subject)
	if err != nil {
		return fmt.Errorf("service: request %s: %w", q.Subject, err)
	}
	defer in.close()
	if err := nc.PublishMsg(q.message(subject)); err != nil {
		return fmt.Errorf("service: request %s: %w", q.Subject, err)
	}
	begun, limit, room := time.Now(), q.First, maxAnswerBytes
	for n := 0; n <= maxServers && room >= 0; n++ {
		m, err := in.next(ctx, limit)
		if errors.Is(err, context.DeadlineExceeded) && outer.Err() == nil || m != nil && isNoResponders(m) {
			if in.dropped() {
				break
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("service: request %s: %w", q.Subject, err)
		}
		after := time.Since(begun)
		if n == 0 {
			limit = max(q.Next, 3*after)
		}
		room -= len(m.Data)
		if n < maxServers && room >= 0 && len(m.Data) <= q.MaxAnswer && !take(m, after) {
			return nil
		}
	}
	return fmt.Errorf("%w %s on the NATS at %s: a client looks at the first %d answers, and at %d MiB of them; ask for hosts by their names, or part them by accounts",
		errTooMany, q.Subject, redactURL(nc.ConnectedUrl()), maxServers, maxAnswerBytes>>20)
}

// secretInbox returns a subject for answers that other programs cannot guess. Those of nats.go alone
// can be guessed from others of the same connection: another program could then make a server answer
// there what this client did not request.
func secretInbox(nc *nats.Conn) string { return nc.NewInbox() + "." + newSecret()[:32] }

// isNoResponders reports whether a message is NATS's answer to a request that no server listens for.
func isNoResponders(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }

// inbox receives answers. Those that next has not returned yet wait, within bounds.
type inbox struct {
	nats    *nats.Conn
	sub     *nats.Subscription
	answers chan *nats.Msg
}

// openInbox subscribes to a subject. The context must be that of all calls of next.
func openInbox(ctx context.Context, nc *nats.Conn, subject string) (*inbox, error) {
	in := &inbox{nats: nc, answers: make(chan *nats.Msg)}
	sub, err := nc.Subscribe(subject, func(m *nats.Msg) {
		select {
		case in.answers <- m:
		case <-ctx.Done():
		}
	})
	in.sub = sub
	return in, limitPending(sub, err, 4*maxServers, 2*maxAnswerBytes)
}

// next waits for an answer, for at most d.
func (in *inbox) next(ctx context.Context, d time.Duration) (*nats.Msg, error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case m := <-in.answers:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		if in.nats.IsClosed() {
			return nil, nats.ErrConnectionClosed
		}
		return nil, context.DeadlineExceeded
	}
}

// dropped reports whether more answers came than may wait.
func (in *inbox) dropped() bool {
	n, err := in.sub.Dropped()
	return err == nil && n > 0
}

func (in *inbox) close() { _ = in.sub.Unsubscribe() } // fails only when the connection is closed

// limitRequests is limitPending with the limits of a subscription to requests.
func limitRequests(sub *nats.Subscription, err error) error {
	return limitPending(sub, err, maxRequests, maxRequestBytes)
}

// limitPending limits the messages that wait in a subscription, which was made with that error. NATS's
// own limits are half a million messages and 64 MiB.
func limitPending(sub *nats.Subscription, err error, messages, bytes int) error {
	if err != nil {
		return err
	}
	if err = sub.SetPendingLimits(messages, bytes); err != nil {
		_ = sub.Unsubscribe() // the error is returned already
	}
	return err
}
