package stream

import (
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
)

// part is one of a stream to a subject, as a sender has it.
func part(to string, at int, data string) *nats.Msg {
	m := nats.NewMsg(to)
	m.Header.Set(HeaderAt, strconv.Itoa(at))
	m.Header.Set(HeaderAckSubject, "framebuffer.a.heard.b")
	m.Data = []byte(data)
	return m
}

// asking is an asker, and what answers it.
type asking struct {
	*Requester
	asked  *nats.Subscription
	answer *nats.Conn
}

func newAsking(t *testing.T) asking {
	t.Helper()
	connect := connection(t)
	a := asking{NewRequester(connect()), nil, connect()}
	t.Cleanup(a.Close)
	var err error
	if a.asked, err = a.answer.SubscribeSync("ask"); err == nil {
		err = a.answer.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// stream asks for one, and returns where it is to be sent.
func (a asking) stream(t *testing.T) (r *Receiver, to string) {
	t.Helper()
	r, err := a.Request(nats.NewMsg("ask"), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	m, err := a.asked.NextMsg(limit)
	if err != nil {
		t.Fatal(err)
	}
	return r, m.Reply
}

// send sends, and waits until it is where it goes.
func (a asking) send(t *testing.T, all ...*nats.Msg) {
	t.Helper()
	for _, m := range all {
		if err := a.answer.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, nc := range []*nats.Conn{a.answer, a.nc} {
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

func (a asking) wants(t *testing.T, r *Receiver, want string) {
	t.Helper()
	if p, err := r.Next(within(t)); err != nil || string(p.Data) != want || p.Lost != 0 {
		t.Errorf("%q, %d lost, %v; want %q", p.Data, p.Lost, err, want)
	}
}

func (a asking) has(t *testing.T, want int) {
	t.Helper()
	if n := a.nc.NumSubscriptions(); n != want {
		t.Errorf("%d subscriptions, not %d", n, want)
	}
}

// Streams one after the other take one subscription, those beside each other one each, and of these some are kept.
func TestSubscriptionsAreUsedAgain(t *testing.T) {
	a := newAsking(t)
	for range 3 {
		r, to := a.stream(t)
		a.has(t, 1)
		a.send(t, part(to, 0, "all"))
		a.wants(t, r, "all")
		r.Done()
		r.Close() // of what is done nothing is taken away
	}
	var all []*Receiver
	for range maxIdle + 2 {
		r, _ := a.stream(t)
		all = append(all, r)
	}
	a.has(t, maxIdle+2)
	for _, r := range all {
		r.Done()
	}
	a.has(t, maxIdle)
	r, _ := a.stream(t)
	a.Close()
	a.has(t, 1)
	r.Done()
	a.has(t, 0)
}

// What comes late, of a stream that was done or of one that was given up, is not taken for another's.
func TestLateParts(t *testing.T) {
	a := newAsking(t)
	first, before := a.stream(t)
	first.Done()
	second, to := a.stream(t)
	if before == to {
		t.Fatalf("both are at %s", to)
	}
	a.send(t, part(before, 0, "late"), part(to, 0, "in time"))
	a.wants(t, second, "in time")
	second.Close()
	a.has(t, 0)
	// What comes while nobody listens costs the subscription, and no memory.
	third, to := a.stream(t)
	third.Done()
	a.has(t, 1)
	for range 3 {
		a.send(t, part(to, 0, "late"))
	}
	if waiting, _, err := a.idle[0].Pending(); waiting > 1 || err != nil {
		t.Errorf("%d wait, %v", waiting, err)
	}
	fourth, to := a.stream(t)
	a.has(t, 1)
	a.send(t, part(to, 0, "in time"))
	a.wants(t, fourth, "in time")
}
