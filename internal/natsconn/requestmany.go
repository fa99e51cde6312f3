package natsconn

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/nats-io/nats.go"
)

// RequestTimeout bounds a request whose context has no deadline.
const RequestTimeout = 5 * time.Second

// Any number of servers may answer a request to many, and so may other programs. These bound how
// many answers are read, the bytes of each and of all, those that wait to be read, and the time.
const (
	maxServers     = 1000    // answers that are read
	MaxAnswerBytes = 8 << 20 // of all answers to one request; twice that may wait to be read

	// MaxIdentity is how long an answer may be that names one server, and maxTopicAnswer one that
	// also describes one topic: names, and at most a sentence on why a mirror waits.
	MaxIdentity    = 4 << 10
	MaxTopicAnswer = 16 << 10

	// MaxAnswer is how long an answer may be that lists topics. A server lists as many as fit into
	// a message of NATS's default size, and says how many more it has.
	MaxAnswer = 1 << 20

	// NextAnswer is how long after one answer to wait for another, unless the first took long.
	NextAnswer = 300 * time.Millisecond

	// ManyTimeout bounds the whole request: a program may answer again and again.
	ManyTimeout = 2 * RequestTimeout
)

// A subscription to requests holds at most so many, of so many bytes, until they are handled.
const (
	maxRequests     = 4096
	maxRequestBytes = 4 << 20
)

// ManyRequest is a request that every server answers that listens on the subject.
type ManyRequest struct {
	Subject   string
	Data      []byte
	Nonce     string // asks for signed answers; "" does not
	MaxAnswer int    // bytes; longer answers are discarded

	// First is how long the first answer may take. Next is how long after one answer another is
	// waited for, or three times as long as the first took if that is longer.
	First, Next time.Duration
}

// Message returns the request's message.
func (q *ManyRequest) Message(reply string) *nats.Msg {
	m := &nats.Msg{Subject: q.Subject, Reply: reply, Data: q.Data, Header: nats.Header{wire.HeaderRoom: {strconv.Itoa(q.MaxAnswer)}}}
	if q.Nonce != "" {
		m.Header.Set(wire.HeaderNonce, q.Nonce)
	}
	return m
}

// RequestMany sends a request and calls take with each answer, and with how long that took, until
// take returns false. No answer is not an error. More answers than are read are errTooMany.
func RequestMany(outer context.Context, nc *nats.Conn, q ManyRequest, take func(m *nats.Msg, after time.Duration) bool) error {
	ctx, cancel := context.WithTimeout(outer, ManyTimeout)
	defer cancel()
	subject := SecretInbox(nc)
	in, err := OpenInbox(ctx, nc, subject)
	if err != nil {
		return fmt.Errorf("framebuffer: request %s: %w", q.Subject, err)
	}
	defer in.Close()
	if err := nc.PublishMsg(q.Message(subject)); err != nil {
		return fmt.Errorf("framebuffer: request %s: %w", q.Subject, err)
	}
	begun, limit, room := time.Now(), q.First, MaxAnswerBytes
	for n := 0; n <= maxServers && room >= 0; n++ {
		m, err := in.Next(ctx, limit)
		if errors.Is(err, context.DeadlineExceeded) && outer.Err() == nil || m != nil && IsNoResponders(m) {
			if in.dropped() {
				break
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("framebuffer: request %s: %w", q.Subject, err)
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
		wire.ErrTooMany, q.Subject, RedactURL(nc.ConnectedUrl()), maxServers, MaxAnswerBytes>>20)
}

// SecretInbox returns a subject for answers that other programs cannot guess. Those of nats.go
// alone can be guessed from others of the same connection: another program could then make a server
// answer there what this client did not request.
func SecretInbox(nc *nats.Conn) string { return nc.NewInbox() + "." + NewSecret()[:32] }

// IsNoResponders reports whether a message is NATS's answer to a request that no server listens
// for.
func IsNoResponders(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }

// inbox receives answers. Those that next has not returned yet wait, within bounds.
type inbox struct {
	nats    *nats.Conn
	sub     *nats.Subscription
	answers chan *nats.Msg
}

// OpenInbox subscribes to a subject. The context must be that of all calls of next.
func OpenInbox(ctx context.Context, nc *nats.Conn, subject string) (*inbox, error) {
	in := &inbox{nats: nc, answers: make(chan *nats.Msg)}
	sub, err := nc.Subscribe(subject, func(m *nats.Msg) {
		select {
		case in.answers <- m:
		case <-ctx.Done():
		}
	})
	in.sub = sub
	return in, limitPending(sub, err, 4*maxServers, 2*MaxAnswerBytes)
}

// Next waits for an answer, for at most d.
func (in *inbox) Next(ctx context.Context, d time.Duration) (*nats.Msg, error) {
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

func (in *inbox) Close() { _ = in.sub.Unsubscribe() } // fails only when the connection is closed

// LimitRequests is limitPending with the limits of a subscription to requests.
func LimitRequests(sub *nats.Subscription, err error) error {
	return limitPending(sub, err, maxRequests, maxRequestBytes)
}

// limitPending limits the messages that wait in a subscription, which was made with that error.
// NATS's own limits are half a million messages and 64 MiB.
func limitPending(sub *nats.Subscription, err error, messages, bytes int) error {
	if err != nil {
		return err
	}
	if err = sub.SetPendingLimits(messages, bytes); err != nil {
		_ = sub.Unsubscribe() // the error is returned already
	}
	return err
}
