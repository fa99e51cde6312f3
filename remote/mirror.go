package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// Mirror copies a topic of another host into a ring of this one, once for all subscribers here. Frames
// keep their sequences, times and metadata. Each is compared with its checksum, and with
// [MirrorOptions.Trust] with its signature, before it is published. The publisher does not wait for a
// mirror: frames that are too much for the link, or that are published while it is cut off, are lost.
// Subscribers here see them, and those that Every and Rate leave out, as gaps in the sequences.
//
// A mirror begins with the next frame, or, if it had to wait for its topic, with the oldest frame that
// is still there. If the source returns with a new ring, whose sequences restart at 0, the mirror adds
// an offset so that local sequences never decrease. While nothing comes, it checks from time to time
// whether another server has newer frames, and goes on with the next of those.
type Mirror struct {
	nats    *nats.Conn
	ring    *framebuffer.Client
	options MirrorOptions
	log     *slog.Logger
	pub     *topic.Publisher
	keys    *sign.Trust // nil: no signatures are required

	// Only Run uses these.
	position position
	waited   bool // the topic was missing at first, and so is younger than the mirror
	paused   bool // the mirror waited for subscribers; what it missed meanwhile is not lost
	budget   budget

	mu    sync.Mutex
	stats MirrorStats
}

// NewMirror prepares a mirror, and creates the topic in ring. [Mirror.Run] then copies. The caller
// closes ring and nc, after Run has returned. Errors are those of [topic.NewPublisher],
// framebuffer.ErrBadSize for options out of range, topic.ErrBadName for MirrorOptions.From and
// framebuffer.ErrBadKey for MirrorOptions.Trust.
func NewMirror(nc *nats.Conn, ring *framebuffer.Client, opts *MirrorOptions) (*Mirror, error) {
	o := *cmp.Or(opts, &MirrorOptions{})
	o.From = cmp.Or(o.From, AnyHost)
	if o.Every < 0 || o.Rate < 0 || o.Window < 0 || o.Rate != o.Rate {
		return nil, fmt.Errorf("%w: every %d frames, %v a second, a window of %d bytes; none can be negative", framebuffer.ErrBadSize, o.Every, o.Rate, o.Window)
	}
	if err := checkHost(o.From); err != nil {
		return nil, err
	}
	keys, err := sign.NewTrust(o.Trust)
	if err != nil {
		return nil, fmt.Errorf("remote: MirrorOptions.Trust: %w", err)
	}
	pub, err := topic.NewPublisher(ring, o.Topic)
	if err != nil {
		return nil, err
	}
	log := cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	return &Mirror{
		nats: nc, ring: ring, options: o, pub: pub, keys: keys,
		log:   log.With("framebuffer.topic", o.Topic, "framebuffer.from", o.From),
		stats: MirrorStats{Topic: o.Topic, From: o.From, State: MirrorLooking},
	}, nil
}

// Waits between attempts to find the topic.
const (
	minRetryWait = 50 * time.Millisecond
	maxRetryWait = 2 * time.Second
)

// Run copies until the context is done, and then returns nil, or until the ring of this host has ended
// or cannot be written to, and then returns that error. When the other host ends the topic's stream, or
// is cut off, Run looks for the topic again. Run may be called once.
func (m *Mirror) Run(ctx context.Context) error {
	wait := minRetryWait
	copying, cancel := context.WithCancel(ctx)
	defer cancel()
	defer follow.OnEnd(m.ring, cancel)()
	for {
		began := time.Now()
		err := m.copyOnce(copying)
		if ctx.Err() != nil {
			return nil
		}
		if fatal := m.fatal(err); fatal != nil {
			m.setState(MirrorEnded, fatal)
			return fatal
		}
		if time.Since(began) > maxRetryWait {
			wait = minRetryWait
		}
		if errors.Is(err, errNoSubscribers) {
			m.paused, wait = true, minRetryWait
			continue
		}
		m.lookAgain(err)
		if errors.Is(err, errMoved) {
			m.switchSource()
			wait = minRetryWait
		}
		select {
		case <-copying.Done(): // the next attempt returns why
		case <-time.After(wait):
			wait = min(2*wait, maxRetryWait)
		}
	}
}

// fatal returns the error that ends the mirror after an attempt ended with err, or nil.
func (m *Mirror) fatal(err error) error {
	if ended := m.ring.Err(); ended != nil { // the server of this host, perhaps together with its NATS
		return ended
	}
	if errors.As(err, new(*wire.AnsweredError)) { // of the other host's ring
		return nil
	}
	for _, fatal := range []error{framebuffer.ErrClosed, framebuffer.ErrReadOnly, framebuffer.ErrCorrupt, nats.ErrConnectionClosed} {
		if errors.Is(err, fatal) {
			return err
		}
	}
	return nil
}

// lookAgain notes that an attempt ended with err.
func (m *Mirror) lookAgain(err error) {
	if m.Stats().State == MirrorRunning {
		m.log.Warn("the topic does not come any more; looking for it", "error.message", err)
	}
	m.setState(MirrorLooking, err)
	m.log.Debug("the topic does not come", "error.message", err)
	m.waited = m.waited || errors.Is(err, ErrNoTopic)
}

// copyOnce finds the topic and copies it until the stream ends. Its error is never nil.
func (m *Mirror) copyOnce(ctx context.Context) error {
	if err := m.awaitSubscribers(ctx); err != nil {
		return err
	}
	h, err := m.find(ctx)
	if err != nil {
		return err
	}
	m.count(func(s *MirrorStats) { s.Host, s.ID = h.Host, h.ID })
	return m.receive(ctx, h)
}

// subscriberPoll is how often a mirror on demand looks for subscribers.
const subscriberPoll = 100 * time.Millisecond

var (
	errNoSubscribers   = errors.New("the topic has no subscribers here any more")
	errNoSubscriberYet = errors.New("the topic has no subscribers here")
)

// awaitSubscribers waits until the topic has a subscriber here, if the mirror is on demand.
func (m *Mirror) awaitSubscribers(ctx context.Context) error {
	for m.options.OnDemand {
		wanted, err := m.hasSubscribers()
		if err != nil || wanted {
			return err
		}
		m.setState(MirrorWaiting, errNoSubscriberYet)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(subscriberPoll):
		}
	}
	return nil
}
