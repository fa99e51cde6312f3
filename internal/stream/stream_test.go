package stream

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const limit = 30 * time.Second

func connection(t *testing.T) func() *nats.Conn {
	t.Helper()
	ns, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	go ns.Start()
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	if !ns.ReadyForConnections(limit) {
		t.Fatal("NATS is not ready")
	}
	return func() *nats.Conn {
		nc, err := nats.Connect(ns.ClientURL())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
}

// pair is a stream from one connection to another.
func pair(t *testing.T, window uint64, idle time.Duration) (*Stream, *Receiver) {
	t.Helper()
	return pairOf(t, window, idle, false)
}

func pairOf(t *testing.T, window uint64, idle time.Duration, brief bool) (*Stream, *Receiver) {
	t.Helper()
	connect := connection(t)
	from, to := connect(), connect()
	sender, err := NewSender(from, "framebuffer.owner")
	if err != nil {
		t.Fatal(err)
	}
	asked, err := from.SubscribeSync("ask")
	if err == nil {
		err = from.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRequester(to).Request(nats.NewMsg("ask"), window)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	m, err := asked.NextMsg(limit)
	if err != nil {
		t.Fatal(err)
	}
	st := sender.Open(m.Reply, Options{Window: window, Idle: idle, Brief: brief})
	t.Cleanup(st.Close)
	return st, r
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func always() error { return nil }

// What is sent arrives, in order, and there is never more on the way than the window.
func TestWindow(t *testing.T) {
	const window = 1 << 20
	st, r := pair(t, window, limit)
	data := make([]byte, 16<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	done := make(chan error, 1)
	go func() {
		done <- st.Send(within(t), nil, data, func() error {
			if way := st.sent.Load() - st.acked.Load(); way > window {
				t.Errorf("%d bytes on the way", way)
			}
			return nil
		})
	}()
	var got []byte
	for len(got) < len(data) {
		p, err := r.Next(within(t))
		if err != nil || p.Lost > 0 {
			t.Fatalf("lost %d, %v", p.Lost, err)
		}
		got = append(got, p.Data...)
	}
	if err := <-done; err != nil || !bytes.Equal(got, data) {
		t.Errorf("%v, or other bytes", err)
	}
}

// Before the receiver was heard there is no more on the way than the opening, whatever window the
// receiver asked for: a reply subject that leads to a stranger costs the stranger no more.
func TestOpening(t *testing.T) {
	for asked, want := range map[uint64]uint64{0: InitialWindow, minWindow: minWindow, 8 << 20: InitialWindow, maxWindow: InitialWindow, 1<<63 - 1: InitialWindow} {
		t.Run(strconv.FormatUint(asked, 10), func(t *testing.T) {
			t.Parallel()
			sender, err := NewSender(connection(t)(), "framebuffer.owner")
			if err != nil {
				t.Fatal(err)
			}
			st := sender.Open("nowhere", Options{Window: asked, Idle: 10 * time.Millisecond})
			defer st.Close()
			if err := st.Send(within(t), nil, make([]byte, 4*InitialWindow), always); !errors.Is(err, ErrGone) {
				t.Error(err)
			}
			if sent := st.sent.Load(); sent > want || sent+maxPart < want {
				t.Errorf("%d bytes were sent, not about %d", sent, want)
			}
		})
	}
}

// Nothing more is sent than the window when nobody takes it.
func TestNobodyTakes(t *testing.T) {
	const window = 512 << 10
	st, _ := pair(t, window, 10*time.Millisecond)
	if err := st.Send(within(t), nil, make([]byte, 4<<20), always); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	if sent := st.sent.Load(); sent > window {
		t.Errorf("sent %d", sent)
	}
}

// A receiver that loses all that was on the way hears so from the sender, and the stream goes
// on behind it.
func TestEverythingOnTheWayIsLost(t *testing.T) {
	st, r := pair(t, 256<<10, limit)
	if err := st.Send(within(t), nil, []byte("first"), always); err != nil {
		t.Fatal(err)
	}
	if p, err := r.Next(within(t)); err != nil || string(p.Data) != "first" {
		t.Fatal(p, err)
	}
	st.sent.Add(256 << 10) // a window of it
	done := make(chan error, 1)
	go func() { done <- st.Send(within(t), nil, []byte("last"), always) }()
	p, err := r.Next(within(t))
	if err != nil || !p.Heartbeat || p.Lost != 256<<10 {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := r.Next(within(t)); err != nil || string(p.Data) != "last" || p.Lost != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The sender hears that nothing more is wanted, at once.
func TestStop(t *testing.T) {
	st, r := pair(t, 0, limit)
	if err := st.Send(within(t), nil, []byte("x"), always); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(within(t)); err != nil {
		t.Fatal(err)
	}
	r.Close()
	select {
	case <-st.Gone():
	case <-time.After(limit):
		t.Error("not told")
	}
	if err := st.Send(within(t), nil, []byte("y"), always); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
}

// Answers that cannot be are not believed.
func TestHostileReceiver(t *testing.T) {
	st, r := pair(t, 256<<10, 10*time.Millisecond)
	if err := st.Send(within(t), nil, make([]byte, 256<<10), always); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(within(t)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "x", "-1", "262145", "9223372036854775808", "99999999999999999999"} {
		if err := r.nc.Publish(r.ackSubject, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := st.Send(within(t), nil, make([]byte, 1), always); !errors.Is(err, ErrGone) || st.acked.Load() != 0 {
		t.Errorf("acknowledged %d, %v", st.acked.Load(), err)
	}
}
