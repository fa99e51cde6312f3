package stream

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// Sender sends streams on one connection. Its methods may be called concurrently.
type Sender struct {
	nc     *nats.Conn
	prefix string // of the subjects on which receivers answer
	sub    *nats.Subscription

	mu      sync.Mutex
	streams map[string]*Stream
}

// maxHeard is how many words of receivers may wait to be looked at.
const maxHeard = 1 << 16

// NewSender listens for what receivers say, on OWNER.heard.STREAM.
func NewSender(nc *nats.Conn, owner string) (*Sender, error) {
	s := &Sender{nc: nc, prefix: owner + hearing, streams: map[string]*Stream{}}
	var err error
	if s.sub, err = nc.Subscribe(s.prefix+"*", s.heard); err != nil {
		return nil, fmt.Errorf("subscribe to %s*: %w", s.prefix, err)
	}
	// What is heard is a number. Any peer may send more than that.
	if err = s.sub.SetPendingLimits(maxHeard, maxHeard*64); err != nil {
		return nil, fmt.Errorf("subscribe to %s*: %w", s.prefix, err)
	}
	return s, nil
}

// Stream is the way to one receiver. Its methods belong to one goroutine, but for Gone.
type Stream struct {
	sender *Sender
	id, to string
	Options

	// sent is written by Send and read by heard; acked the other way round. Each only grows,
	// and acked is never beyond sent, so the difference that either computes is a number of
	// bytes on the way that was true a moment ago, or more than that.
	sent, acked atomic.Uint64
	last        atomic.Int64 // when the receiver last came on, or had all; ns since 1970
	gone        chan struct{}
	once        sync.Once
	wake        chan struct{} // holds one
}

// Options are a stream's.
type Options struct {
	// Window is how many bytes may be on the way, once the receiver was heard: what it asked
	// for. 0 means the default.
	Window uint64

	// Idle is for how long a receiver may get on with nothing, while there is something, before
	// it is gone.
	Idle time.Duration

	// Brief has a receiver be gone as well where the sender has waited, and NATS says that nobody
	// listens; others may be reconnecting.
	Brief bool
}

// Open begins a stream to a subject.
func (s *Sender) Open(to string, o Options) *Stream {
	o.Window = clampWindow(o.Window)
	st := &Stream{
		sender: s, id: newToken(), to: to, Options: o,
		gone: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	st.last.Store(time.Now().UnixNano())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[st.id] = st
	return st
}

// heard takes what a receiver says: how far it has come, or that it wants no more.
func (s *Sender) heard(m *nats.Msg) {
	s.mu.Lock()
	st := s.streams[strings.TrimPrefix(m.Subject, s.prefix)]
	s.mu.Unlock()
	if st == nil {
		return
	}
	if string(m.Data) == stop || st.Brief && nobody(m) {
		st.once.Do(func() { close(st.gone) })
		return
	}
	at, ok := parse(string(m.Data))
	if !ok || at > st.sent.Load() { // nobody can have come so far
		return
	}
	// Only this callback stores. A word that is no news does not keep the stream: whoever takes
	// nothing could hold it for ever.
	if at > st.acked.Load() || at == st.sent.Load() {
		st.last.Store(time.Now().UnixNano())
		st.acked.Store(max(at, st.acked.Load()))
	}
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

// nobody reports whether NATS says that nobody subscribes to where a beat was sent.
func nobody(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }

// Gone is closed when the receiver has said that it wants no more, or a brief stream's does
// not listen.
func (st *Stream) Gone() <-chan struct{} { return st.gone }

// Heard is when the receiver last said that it came on, or has all that was sent.
func (st *Stream) Heard() time.Time { return time.Unix(0, st.last.Load()) }

// Room reports whether a part could be sent without waiting.
func (st *Stream) Room() bool { return st.room(size(st.sender.nc)) }

// room reports whether n more bytes may be on the way. One part may always be, whatever
// the window.
func (st *Stream) room(n int) bool {
	sent, acked := st.sent.Load(), st.acked.Load()
	return sent == acked || sent-acked+span(n) <= min(st.Window, Opening+2*acked)
}

// Send sends data in parts, header with the first of them, and waits for the receiver where it
// must. Before each part it calls ok, whose error ends it. It returns ErrGone, the error of
// ctx, and that of NATS. data is not kept.
func (st *Stream) Send(ctx context.Context, header nats.Header, data []byte, ok func() error) error {
	return st.SendEach(ctx, header, data, func([]byte, nats.Header, bool) error { return ok() })
}

// SendEach is Send that shows each part, right before it leaves: its bytes, its headers, to which
// may be added, and whether it is the last.
func (st *Stream) SendEach(ctx context.Context, header nats.Header, data []byte, show func(part []byte, h nats.Header, last bool) error) error {
	part := size(st.sender.nc)
	for first := true; first || len(data) > 0; first = false {
		n := min(part, len(data))
		if err := st.await(ctx, n); err != nil {
			return err
		}
		h := nats.Header{}
		if first && header != nil {
			h = header
		}
		if err := show(data[:n], h, n == len(data)); err != nil {
			return err
		}
		at := st.sent.Load()
		h[At] = []string{strconv.FormatUint(at, 10)}
		if at == 0 {
			h[Heard] = []string{st.heard()}
		}
		st.sent.Store(at + span(n)) // before anybody can answer
		if err := st.publish(&nats.Msg{Header: h, Data: data[:n]}); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// Beat tells the receiver how far the stream is. It answers.
func (st *Stream) Beat() error {
	m := &nats.Msg{Header: nats.Header{At: {strconv.FormatUint(st.sent.Load(), 10)}, Beat: {"1"}, Heard: {st.heard()}}}
	if st.Brief {
		m.Reply = st.heard() // or NATS does not say that nobody listens
	}
	return st.publish(m)
}

func (st *Stream) heard() string { return st.sender.prefix + st.id }

func (st *Stream) publish(m *nats.Msg) error {
	m.Subject = st.to
	if err := st.sender.nc.PublishMsg(m); err != nil {
		return fmt.Errorf("send to another host: %w", err)
	}
	return nil
}

// await waits until n bytes may be sent.
func (st *Stream) await(ctx context.Context, n int) error {
	for {
		select {
		case <-st.gone:
			return ErrGone
		default:
		}
		if st.room(n) {
			return ctx.Err()
		}
		if time.Since(st.Heard()) > st.Idle {
			return fmt.Errorf("%w: it said nothing for %v", ErrGone, st.Idle)
		}
		if err := st.pause(ctx); err != nil {
			return err
		}
	}
}

// pause waits until something is heard, and says where the stream is if nothing is.
func (st *Stream) pause(ctx context.Context) error {
	timer := time.NewTimer(beatAfter)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-st.gone:
		return ErrGone
	case <-st.wake:
		return nil
	case <-timer.C:
		return st.Beat()
	}
}

// Close forgets the stream.
func (st *Stream) Close() {
	st.sender.mu.Lock()
	defer st.sender.mu.Unlock()
	delete(st.sender.streams, st.id)
}
