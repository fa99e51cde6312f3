package service_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// relay is a peer in the middle: owners are on one NATS, readers on another, and all that they say
// to each other goes through it. It can read, keep, change, add and leave out what it likes, and
// has no owner's key.
type relay struct {
	t             testing.TB
	far, near     *nats.Conn // where owners are, and where readers are
	farURL, toURL string

	mu sync.Mutex
	// ask changes a question before owners get it; answer tells what it likes in place of an
	// answer.
	ask    func(*nats.Msg)
	answer func(question, m *nats.Msg, tell func(*nats.Msg))
}

func newRelay(t testing.TB) *relay {
	t.Helper()
	r := &relay{t: t, farURL: natstest.OwnNATS(t), toURL: natstest.OwnNATS(t)}
	r.far, r.near = natstest.Dial(t, service.Options{URL: r.farURL}), natstest.Dial(t, service.Options{URL: r.toURL})
	_, err := r.near.Subscribe("framebuffer.>", r.pass)
	if err == nil {
		err = r.near.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// does changes what the relay does from here on; nil is to hand on.
func (r *relay) does(ask func(*nats.Msg), answer func(question, m *nats.Msg, tell func(*nats.Msg))) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ask, r.answer = ask, answer
}

func (r *relay) pass(question *nats.Msg) {
	if strings.HasPrefix(question.Subject, "framebuffer.sta") || strings.HasPrefix(question.Subject, "framebuffer.sto") {
		return // servers' own news
	}
	r.mu.Lock()
	ask := r.ask
	r.mu.Unlock()
	m := &nats.Msg{Subject: question.Subject, Header: question.Header, Data: question.Data}
	if question.Reply != "" {
		if ask != nil {
			ask(m)
		}
		m.Reply = r.far.NewInbox()
		if _, err := r.far.Subscribe(m.Reply, func(a *nats.Msg) { r.hand(question, a) }); err != nil {
			return // it is closed
		}
	}
	_ = r.far.PublishMsg(m) // fails only when it is closed
}

func (r *relay) hand(question, a *nats.Msg) {
	r.mu.Lock()
	answer := r.answer
	r.mu.Unlock()
	tell := func(m *nats.Msg) {
		_ = r.near.PublishMsg(&nats.Msg{Subject: question.Reply, Header: m.Header, Data: m.Data})
	}
	if answer == nil {
		tell(a)
		return
	}
	answer(question, a, tell)
}

// isMirror reports whether a question is for a topic's stream.
func isMirror(q *nats.Msg) bool { return strings.HasSuffix(q.Subject, ".mirror") }

// signingKey is a file with a new key, and the public key.
func signingKey(t testing.TB) (path, public string, key *sign.Key) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key")
	key, err := sign.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, key.Public(), key
}
