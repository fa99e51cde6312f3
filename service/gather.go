package service

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// A question that any number of servers may answer is also answered by peers that mean harm. So the
// number of answers is bounded, the bytes of each, those of all together, those that wait to be
// looked at, and the time. What the asker keeps of an answer is what it uses.
const (
	// maxServers is how many answers are looked at.
	maxServers = 1000

	// allAnswers is how many bytes of answers to one question are looked at, and twice that waits
	// for it at most.
	allAnswers = 8 << 20

	// brief is how long an answer may be that says which server it is of, and brieflyTopic one that
	// says what that server has of one topic too: names, and at most a sentence of why a mirror waits.
	brief        = 4 << 10
	brieflyTopic = 16 << 10

	// longest is how long an answer may be that lists topics: an honest server lists as many as a
	// message of NATS's default size has room for, and says how many more it has.
	longest = 1 << 20

	// maxRequests of so many bytes together wait to be answered by a server at each of its endpoints.
	maxRequests     = 4096
	maxRequestBytes = 4 << 20

	// rollQuiet is how long after one answer another is waited for, where distances are not known.
	rollQuiet = 300 * time.Millisecond

	// rollEnd is how long it goes on at most: a peer may answer again and again.
	rollEnd = 2 * rpcLimit
)

// headerRoom of a request says how many bytes its answer may have. An honest server lists fewer
// topics then; the asker does not look at an answer that is longer.
const headerRoom = "Framebuffer-Room"

// question is what is asked of all servers that listen on a subject. The first may take as long as
// first says to answer, and others come that long after one as quiet says, or three times as long as
// the first took.
type question struct {
	subject      string
	data         []byte
	nonce        string // for servers that sign their answers; "" for none
	each         int    // bytes of an answer that is looked at
	first, quiet time.Duration
}

func (q *question) message(reply string) *nats.Msg {
	m := &nats.Msg{Subject: q.subject, Reply: reply, Data: q.data, Header: nats.Header{headerRoom: {strconv.Itoa(q.each)}}}
	if q.nonce != "" {
		m.Header.Set(headerNonce, q.nonce)
	}
	return m
}

// gather asks a question, and hands on the answers for as long as take wants more. No answer at all
// is no error.
func gather(outer context.Context, nc *nats.Conn, q question, take func(m *nats.Msg, after time.Duration) bool) error {
	ctx, cancel := context.WithTimeout(outer, rollEnd)
	defer cancel()
	inbox := secretInbox(nc)
	in, err := listenTo(ctx, nc, inbox)
	if err != nil {
		return fmt.Errorf("service: request %s: %w", q.subject, err)
	}
	defer in.close()
	if err := nc.PublishMsg(q.message(inbox)); err != nil {
		return fmt.Errorf("service: request %s: %w", q.subject, err)
	}
	begun, limit, room := time.Now(), q.first, allAnswers
	for n := 0; n <= maxServers && room >= 0; n++ {
		m, err := in.next(ctx, limit)
		if errors.Is(err, context.DeadlineExceeded) && outer.Err() == nil || m != nil && unheard(m) {
			if in.dropped() {
				break
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("service: request %s: %w", q.subject, err)
		}
		after := time.Since(begun)
		if n == 0 {
			limit = max(q.quiet, 3*after)
		}
		room -= len(m.Data)
		if n < maxServers && room >= 0 && len(m.Data) <= q.each && !take(m, after) {
			return nil
		}
	}
	return fmt.Errorf("%w %s on the NATS at %s: a client looks at the first %d answers, and at %s of them; ask for hosts by their names, or part them by accounts",
		ErrTooMany, q.subject, shown(nc.ConnectedUrl()), maxServers, mebibytes(allAnswers))
}

// secretInbox is where answers come to one question. An inbox of nats.go alone can be guessed from
// others: a stranger could have a server answer there what this client did not ask it.
func secretInbox(nc *nats.Conn) string { return nc.NewInbox() + "." + newSecret()[:32] }

// unheard reports whether NATS says that no server listens.
func unheard(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }

// ear hears what servers answer. What its owner has not taken yet waits, within bounds.
type ear struct {
	nats    *nats.Conn
	sub     *nats.Subscription
	answers chan *nats.Msg
}

// listenTo subscribes until the ear is closed. The context is that of all calls of next.
func listenTo(ctx context.Context, nc *nats.Conn, subject string) (*ear, error) {
	e := &ear{nats: nc, answers: make(chan *nats.Msg)}
	sub, err := nc.Subscribe(subject, func(m *nats.Msg) {
		select {
		case e.answers <- m:
		case <-ctx.Done():
		}
	})
	e.sub = sub
	return e, bounded(sub, err, 4*maxServers, 2*allAnswers)
}

// next waits for an answer.
func (e *ear) next(ctx context.Context, d time.Duration) (*nats.Msg, error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case m := <-e.answers:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		if e.nats.IsClosed() {
			return nil, nats.ErrConnectionClosed
		}
		return nil, context.DeadlineExceeded
	}
}

// dropped reports whether more came than may wait.
func (e *ear) dropped() bool {
	n, err := e.sub.Dropped()
	return err == nil && n > 0
}

func (e *ear) close() { _ = e.sub.Unsubscribe() } // fails only when the connection is closed

func mebibytes(n int) string { return strconv.Itoa(n>>20) + " MiB" }

// bounded bounds what waits to be looked at of a subscription that was just made. NATS's own bounds
// are half a million messages and 64 MiB.
func bounded(sub *nats.Subscription, err error, messages, bytes int) error {
	if err != nil {
		return err
	}
	if err = sub.SetPendingLimits(messages, bytes); err != nil {
		_ = sub.Unsubscribe() // the error is told already
	}
	return err
}
