package stream

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// Small messages count for what they cost: there are not millions of them on the way.
func TestSmallMessagesFillTheWindow(t *testing.T) {
	const window = 64 << 10
	st, r := pair(t, window, time.Millisecond)
	sent := 0
	for ; sent <= window; sent++ {
		if err := st.Send(within(t), nil, []byte{byte(sent)}, always); errors.Is(err, ErrGone) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if sent != window/minSpan {
		t.Errorf("%d messages on the way", sent)
	}
	for i := range sent {
		if p, err := r.Next(within(t)); err != nil || len(p.Data) != 1 || p.Data[0] != byte(i) || p.Lost != 0 {
			t.Fatalf("number %d: %+v, %v", i, p, err)
		}
	}
}

// A brief stream ends when NATS says that nobody listens; others wait for who may be
// reconnecting.
func TestNobodyListens(t *testing.T) {
	for _, brief := range []bool{true, false} {
		st, r := pairOf(t, 0, limit, brief)
		if err := errors.Join(r.sub.Unsubscribe(), r.nc.Flush(), st.Heartbeat(), st.sender.nc.Flush()); err != nil {
			t.Fatal(err)
		}
		// What NATS says of the beat came before the answer to the flush; one round trip more has
		// the callback be done with it, which takes one after the other.
		done := make(chan struct{})
		mine := st.sender.Open("nowhere", Options{Idle: limit, Brief: true})
		defer mine.Close()
		go func() { <-mine.Gone(); close(done) }()
		if err := mine.Heartbeat(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
		case <-time.After(limit):
			t.Fatal("not told")
		}
		select {
		case <-st.Gone():
			if !brief {
				t.Error("a lasting stream ended")
			}
		default:
			if brief {
				t.Error("a brief stream goes on")
			}
		}
	}
}

// Who says again and again where it is, and takes nothing, does not hold a stream.
func TestReceiverWithoutProgress(t *testing.T) {
	st, r := pair(t, minWindow, 200*time.Millisecond)
	if err := st.Send(within(t), nil, []byte("x"), always); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(within(t)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-st.Gone():
				return
			case <-time.After(time.Millisecond):
				_ = r.nc.Publish(r.ackSubject, []byte("0"))
			}
		}
	}()
	if err := st.Send(within(t), nil, make([]byte, 4*minWindow), always); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	st.closeGone.Do(func() { close(st.gone) })
	<-ended
}

// A sender that does not care for credit fills no more memory than twice a window's, and what
// has no position is none of the stream's bytes.
func TestHostileSender(t *testing.T) {
	connect := connection(t)
	from, to := connect(), connect()
	r, err := NewRequester(to).Request(nats.NewMsg("ask"), minWindow)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := to.Flush(); err != nil { // NATS knows of the subscription
		t.Fatal(err)
	}
	inbox := r.inbox
	data := make([]byte, 64<<10)
	for i := range 1000 {
		m := &nats.Msg{Subject: inbox, Header: nats.Header{HeaderAt: {strconv.Itoa(i * len(data))}, HeaderAckSubject: {"framebuffer.a.heard.nowhere"}}, Data: data}
		if err := from.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(from.Flush(), to.Flush()); err != nil {
		t.Fatal(err)
	}
	if _, bytes, err := r.sub.Pending(); err != nil || bytes > 8*minWindow+slack*minSpan {
		t.Errorf("%d bytes wait, %v", bytes, err)
	}
	if _, err := r.Next(within(t)); !errors.Is(err, nats.ErrSlowConsumer) && err != nil {
		t.Error(err)
	}
	r, err = NewRequester(to).Request(nats.NewMsg("ask"), minWindow)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := to.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"", "x", "-1", "9223372036854775808"} {
		m := &nats.Msg{Subject: r.inbox, Header: nats.Header{HeaderAt: {at}}, Data: data}
		if err := from.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	for n := 0; n < 4; {
		p, err := r.Next(within(t))
		if errors.Is(err, nats.ErrNoResponders) { // nobody took the request
			continue
		}
		if n++; err != nil || len(p.Data) != 0 || p.Lost != 0 {
			t.Errorf("%+v, %v", p, err)
		}
	}
}

// A sender cannot have its receiver publish wherever it likes, nor what NATS would cut the connection for.
func TestHearsElsewhere(t *testing.T) {
	a := newAsking(t)
	for _, subject := range []string{
		"", "framebuffer.allocate", "heard", "a.heard.b", "framebuffer.a.heard." + strings.Repeat("b", 8<<10), "framebuffer.a b.heard.c",
		"$JS.API.STREAM.DELETE.x.heard.y", "framebuffer.ackSubject.b", "framebuffer.a.heard.b.c", "framebuffer.a.heard.", "framebuffer.a.b.heard.c",
		"framebuffer.a.heard.*", "framebuffer.a.heard.>", "framebuffer.*.heard.b", "x.framebuffer.a.heard.b", "framebuffer.a.heard.b\r\nPUB x 0",
	} {
		r, to := a.stream(t)
		sub, err := a.answer.SubscribeSync(">")
		if err == nil {
			err = a.answer.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		m := part(to, 0, "all")
		m.Header.Set(HeaderAckSubject, subject)
		a.send(t, m)
		a.wants(t, r, "all")
		_ = r.Ack() // an error or nothing
		r.Close()
		if err := a.nc.Flush(); err != nil || !a.nc.IsConnected() {
			t.Errorf("%.20q: the receiver has lost its connection, %v", subject, err)
		}
		if err := a.answer.Flush(); err != nil {
			t.Fatal(err)
		}
		if n, _, err := sub.Pending(); n != 1 || err != nil { // what was sent to it
			t.Errorf("%.20q: %d messages, %v", subject, n-1, err)
		}
		if err := sub.Unsubscribe(); err != nil {
			t.Fatal(err)
		}
	}
	if n := a.nc.Stats().Reconnects; n > 0 {
		t.Errorf("%d reconnections", n)
	}
}

// Where a sender hears, and where a stream comes, cannot be told from other streams': a stranger that
// knows those can neither end this one nor say that it was taken.
func TestSubjectsCannotBeGuessed(t *testing.T) {
	const streams, same = 100, 8
	connect := connection(t)
	sender, err := NewSender(connect(), "framebuffer.owner")
	if err != nil {
		t.Fatal(err)
	}
	asker := NewRequester(connect())
	defer asker.Close()
	seen := map[string]bool{}
	for range streams {
		st := sender.Open("nowhere", Options{Idle: limit})
		r, err := asker.Request(nats.NewMsg("ask"), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, subject := range []string{st.ackSubject(), r.inbox} {
			token := subject[strings.LastIndexByte(subject, '.')+1:]
			if len(token) < 2*same || seen[token[:same]] {
				t.Fatalf("%s is like others", subject)
			}
			seen[token[:same]] = true
		}
		st.Close()
		r.Close()
	}
}
