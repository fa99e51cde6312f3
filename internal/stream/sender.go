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

// maxPendingAcks is how many acknowledgements may wait to be handled.
const maxPendingAcks = 1 << 16

// Sender sends streams on one connection. Its methods may be called concurrently.
type Sender struct {
	nc     *nats.Conn
	prefix string // of the subjects for acknowledgements
	sub    *nats.Subscription

	mu      sync.Mutex
	streams map[string]*Stream
}

// NewSender subscribes to acknowledgements, on OWNER.heard.STREAM.
func NewSender(nc *nats.Conn, owner string) (*Sender, error) {
	s := &Sender{nc: nc, prefix: owner + ackToken, streams: map[string]*Stream{}}
	var err error
	if s.sub, err = nc.Subscribe(s.prefix+"*", s.handleAck); err != nil {
		return nil, fmt.Errorf("subscribe to %s*: %w", s.prefix, err)
	}
	// An acknowledgement is a number. Any program may send more bytes than that.
	if err = s.sub.SetPendingLimits(maxPendingAcks, maxPendingAcks*64); err != nil {
		return nil, fmt.Errorf("subscribe to %s*: %w", s.prefix, err)
	}
	return s, nil
}

// Options are those of a stream.
type Options struct {
	// Window is how many bytes may be in flight after the first acknowledgement, as the receiver
	// requested. 0 means the default.
	Window uint64

	// Idle is how long a receiver may make no progress while data is outstanding, before it counts as
	// gone.
	Idle time.Duration

	// Brief also takes the receiver for gone if NATS says that it does not listen when the sender
	// sends a heartbeat. Without Brief it may be reconnecting.
	Brief bool
}

// Stream sends to one receiver. Its methods may be used by one goroutine at a time, except for Gone.
type Stream struct {
	sender *Sender
	id, to string
	Options

	// Send writes sent and handleAck reads it; handleAck writes acked and Send reads it. Each only
	// grows, and acked never exceeds sent. So the difference that either computes is a number of bytes
	// in flight that was true a moment ago, or more than that.
	sent, acked atomic.Uint64
	lastAck     atomic.Int64 // when the receiver last made progress or had everything; ns since 1970
	gone        chan struct{}
	closeGone   sync.Once
	wake        chan struct{} // holds one
}

// Open begins a stream to a subject.
func (s *Sender) Open(to string, o Options) *Stream {
	o.Window = clampWindow(o.Window)
	st := &Stream{
		sender: s, id: newToken(), to: to, Options: o,
		gone: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	st.lastAck.Store(time.Now().UnixNano())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[st.id] = st
	return st
}

// handleAck handles a receiver's acknowledgement: a position, or [stopWord].
func (s *Sender) handleAck(m *nats.Msg) {
	s.mu.Lock()
	st := s.streams[strings.TrimPrefix(m.Subject, s.prefix)]
	s.mu.Unlock()
	if st == nil {
		return
	}
	if string(m.Data) == stopWord || st.Brief && isNoResponders(m) {
		st.closeGone.Do(func() { close(st.gone) })
		return
	}
	at, ok := parse(string(m.Data))
	if !ok || at > st.sent.Load() { // no receiver can have got that far
		return
	}
	// Only this callback stores. An acknowledgement without progress does not keep the stream alive:
	// otherwise a receiver that takes nothing could hold it for ever.
	if at > st.acked.Load() || at == st.sent.Load() {
		st.lastAck.Store(time.Now().UnixNano())
		st.acked.Store(max(at, st.acked.Load()))
	}
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

// isNoResponders reports whether a message is NATS's answer to a message to a subject without
// subscribers.
func isNoResponders(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }

// Gone is closed when the receiver has closed the stream, or, with [Options].Brief, does not listen.
func (st *Stream) Gone() <-chan struct{} { return st.gone }

// LastAck returns when the receiver last made progress, or had everything that was sent.
func (st *Stream) LastAck() time.Time { return time.Unix(0, st.lastAck.Load()) }

// Room reports whether the stream can send a part without waiting.
func (st *Stream) Room() bool { return st.hasRoom(partSize(st.sender.nc)) }

// hasRoom reports whether n more bytes may be in flight. One part may always be, whatever the window.
func (st *Stream) hasRoom(n int) bool {
	sent, acked := st.sent.Load(), st.acked.Load()
	return sent == acked || sent-acked+span(n) <= min(st.Window, InitialWindow+2*acked)
}

// Send sends data in parts, the first with header, and waits for acknowledgements where the window
// requires it. It calls check before each part and ends with its error. It returns [ErrGone], the
// context's error and errors of NATS. It does not keep data.
func (st *Stream) Send(ctx context.Context, header nats.Header, data []byte, check func() error) error {
	return st.SendEach(ctx, header, data, func([]byte, nats.Header, bool) error { return check() })
}

// SendEach is Send with a function that is called with each part right before the part is sent: with its
// bytes, its headers, to which the function may add, and whether it is the last part.
func (st *Stream) SendEach(ctx context.Context, header nats.Header, data []byte, before func(part []byte, h nats.Header, last bool) error) error {
	size := partSize(st.sender.nc)
	for first := true; first || len(data) > 0; first = false {
		n := min(size, len(data))
		if err := st.awaitRoom(ctx, n); err != nil {
			return err
		}
		h := nats.Header{}
		if first && header != nil {
			h = header
		}
		if err := before(data[:n], h, n == len(data)); err != nil {
			return err
		}
		at := st.sent.Load()
		h[HeaderAt] = []string{strconv.FormatUint(at, 10)}
		if at == 0 {
			h[HeaderAckSubject] = []string{st.ackSubject()}
		}
		st.sent.Store(at + span(n)) // before the receiver can acknowledge it
		if err := st.publish(&nats.Msg{Header: h, Data: data[:n]}); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// Heartbeat tells the receiver the stream's position. The receiver acknowledges it.
func (st *Stream) Heartbeat() error {
	m := &nats.Msg{Header: nats.Header{
		HeaderAt: {strconv.FormatUint(st.sent.Load(), 10)}, HeaderHeartbeat: {"1"}, HeaderAckSubject: {st.ackSubject()},
	}}
	if st.Brief {
		m.Reply = st.ackSubject() // where NATS says so if the receiver does not listen
	}
	return st.publish(m)
}

func (st *Stream) ackSubject() string { return st.sender.prefix + st.id }

func (st *Stream) publish(m *nats.Msg) error {
	m.Subject = st.to
	if err := st.sender.nc.PublishMsg(m); err != nil {
		return fmt.Errorf("send to another host: %w", err)
	}
	return nil
}

// awaitRoom waits until n bytes may be sent.
func (st *Stream) awaitRoom(ctx context.Context, n int) error {
	for {
		select {
		case <-st.gone:
			return ErrGone
		default:
		}
		if st.hasRoom(n) {
			return ctx.Err()
		}
		if time.Since(st.LastAck()) > st.Idle {
			return fmt.Errorf("%w: it said nothing for %v", ErrGone, st.Idle)
		}
		if err := st.awaitAck(ctx); err != nil {
			return err
		}
	}
}

// awaitAck waits for an acknowledgement, or sends a heartbeat after [heartbeatInterval].
func (st *Stream) awaitAck(ctx context.Context) error {
	timer := time.NewTimer(heartbeatInterval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-st.gone:
		return ErrGone
	case <-st.wake:
		return nil
	case <-timer.C:
		return st.Heartbeat()
	}
}

// Close forgets the stream.
func (st *Stream) Close() {
	st.sender.mu.Lock()
	defer st.sender.mu.Unlock()
	delete(st.sender.streams, st.id)
}
