package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// AnyHost is for MirrorOptions.From.
const AnyHost = "any"

// MirrorOptions are for NewMirror. Topic is required; the zero value of the others means the
// defaults.
type MirrorOptions struct {
	Topic string `json:"topic"`

	// From is whose topic it is: a host's name, a server's name or ID, or AnyHost. Of several servers
	// it is the one with the topic's newest frame; of AnyHost one that is no copy, as far as
	// its server knows: it does of Config.Mirrors and of the command mirror. Default: AnyHost.
	From string `json:"from"`

	// Every leaves out the frames whose numbers it does not divide. Default: none.
	Every int `json:"every,omitempty"`

	// Rate is how many frames a second there are at most. Default: as many as there are.
	Rate float64 `json:"rate,omitempty"`

	// OnDemand has frames travel only while the copy has subscribers here that people who
	// watch can see.
	OnDemand bool `json:"on_demand,omitempty"`

	// Window is how many bytes may be on the way, 64 KiB to 64 MiB. Default: 4 MiB.
	Window int `json:"window,omitempty"`

	// Trust are the public keys of servers (Service.SignsAs) of which one must have signed each
	// frame, as one of the stream that was asked for: nothing else is published, and no other
	// server is AnyHost. A list without keys refuses every frame. Default, nil: no signature is
	// asked for.
	Trust []string `json:"trust,omitempty"`

	// Self is the ID of the server whose ring the copy is in, which AnyHost then passes over.
	Self string `json:"-"`

	// Logger gets what is worth knowing. Default: nothing is logged.
	Logger *slog.Logger `json:"-"`
}

// Mirror copies a topic of another host into a ring of this one, whatever number of
// subscribers it has here: with the numbers, times and metadata that the frames have there,
// each compared with its checksum, and with Trust with its signature. The publisher does not wait
// for it: what a mirror is too slow for, or cut off from, it loses, and subscribers here are told by the numbers, as they are of frames that
// Every and Rate leave out.
//
// A mirror that did not find its topic at first begins with the oldest frame that is still there,
// any other with the next. When the other host comes back with a new ring, where numbers begin anew, the
// copy goes on behind the numbers that it has: they never go back in one ring. While nothing comes, it
// looks from time to time whether another server has newer frames, and goes on with the next of those.
type Mirror struct {
	nats    *nats.Conn
	ring    *framebuffer.Client
	options MirrorOptions
	log     *slog.Logger
	pub     *topic.Publisher
	keys    *sign.Trust // nil: no signatures are asked for

	// Run's own.
	source   string    // which ring it has had frames of
	base     uint64    // our numbers, less those
	first    uint64    // our number of the first frame that was to come
	last     uint64    // the source's number that comes next
	numbered time.Time // when the last number came, or the first was asked for
	began    bool
	waited   bool // for the topic, which then is younger than this
	paused   bool // no subscriber wanted it: what was missed is not lost
	trust    trust

	mu    sync.Mutex
	stats MirrorStats
}

// MirrorStats are a mirror's figures; they only grow, but for what it says of the moment.
type MirrorStats struct {
	Topic   string `json:"topic"`
	From    string `json:"from"`
	Host    string `json:"host,omitempty"` // whose topic it copies now
	ID      string `json:"id,omitempty"`   // of that server
	State   string `json:"state"`          // running, looking, waiting (for subscribers) or ended
	Why     string `json:"why,omitempty"`  // it is not running
	Frames  uint64 `json:"frames"`         // copied
	Bytes   uint64 `json:"bytes"`          // of those
	Lost    uint64 `json:"lost"`           // on the way, or overrun before they left, or while cut off
	LeftOut uint64 `json:"left_out"`       // by Every and Rate
	Refused uint64 `json:"refused"`        // that arrived and were not what was written, or did not fit, or had a number that cannot be
	Starts  uint64 `json:"starts"`         // how often it began
}

// NewMirror makes the copy in ring, and makes its topic. Nothing travels before Run. Ring and
// connection stay the caller's, and must not be closed before Run has returned. Errors are
// those of topic.NewPublisher, and framebuffer.ErrBadSize for options out of range.
func NewMirror(nc *nats.Conn, ring *framebuffer.Client, opts MirrorOptions) (*Mirror, error) {
	opts.From = cmp.Or(opts.From, AnyHost)
	if opts.Every < 0 || opts.Rate < 0 || opts.Window < 0 || opts.Rate != opts.Rate {
		return nil, fmt.Errorf("%w: every %d frames, %v a second, a window of %d bytes; none can be negative", framebuffer.ErrBadSize, opts.Every, opts.Rate, opts.Window)
	}
	if !wire.ValidName(opts.From) && !wire.ValidID(opts.From) {
		return nil, fmt.Errorf("%w: %.80q is no name of a host: use 1 to 64 letters, digits, dots and hyphens", topic.ErrBadName, opts.From)
	}
	keys, err := sign.NewTrust(opts.Trust)
	if err != nil {
		return nil, fmt.Errorf("service: MirrorOptions.Trust: %w", err)
	}
	pub, err := topic.NewPublisher(ring, opts.Topic)
	if err != nil {
		return nil, err
	}
	m := &Mirror{nats: nc, ring: ring, options: opts, log: opts.Logger, pub: pub, keys: keys}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.log = m.log.With("framebuffer.topic", opts.Topic, "framebuffer.from", opts.From)
	m.stats = MirrorStats{Topic: opts.Topic, From: opts.From, State: "looking"}
	return m, nil
}

// Stats returns the mirror's figures. It may be called concurrently with Run.
func (m *Mirror) Stats() MirrorStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats
}

func (m *Mirror) count(f func(*MirrorStats)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.stats)
}

// Waits between attempts to begin.
const (
	firstMirrorWait = 50 * time.Millisecond
	lastMirrorWait  = 2 * time.Second
)

// Run copies until the context ends, and then returns nil; or until the ring of this host is
// closed, or cannot be written to, which is its error. What ends at the other host it looks
// for again. It may be called once.
func (m *Mirror) Run(ctx context.Context) error {
	wait := firstMirrorWait
	copying, end := context.WithCancel(ctx)
	defer end()
	defer follow.OnEnd(m.ring, end)()
	for {
		began := time.Now()
		err := m.once(copying)
		if ctx.Err() != nil {
			return nil // it was told to end, whatever it was at
		}
		if ended := m.ring.Err(); ended != nil { // the server of this host, and perhaps its NATS with it
			m.count(func(s *MirrorStats) { s.State, s.Why = "ended", ended.Error() })
			return ended
		}
		for _, fatal := range []error{framebuffer.ErrClosed, framebuffer.ErrReadOnly, framebuffer.ErrCorrupt, nats.ErrConnectionClosed} {
			// What another host says of its own ring is no end of ours.
			if errors.Is(err, fatal) && !errors.As(err, new(*wire.AnsweredError)) {
				m.count(func(s *MirrorStats) { s.State, s.Why = "ended", err.Error() })
				return err
			}
		}
		if time.Since(began) > lastMirrorWait {
			wait = firstMirrorWait
		}
		if errors.Is(err, errUnwanted) {
			m.paused, wait = true, firstMirrorWait
			continue
		}
		m.count(func(s *MirrorStats) {
			if s.State == "running" {
				m.log.Warn("the topic does not come any more; looking for it", "error.message", err)
			}
			s.State, s.Why = "looking", err.Error()
		})
		m.log.Debug("the topic does not come", "error.message", err)
		m.waited = m.waited || errors.Is(err, ErrNoTopic)
		if errors.Is(err, errMoved) {
			m.moves()
			wait = firstMirrorWait
		}
		select {
		case <-copying.Done(): // the next round says why
		case <-time.After(wait):
			wait = min(2*wait, lastMirrorWait)
		}
	}
}

// lateMirror is how long a topic may take to come before the log says that it has not.
const lateMirror = 2 * time.Second

// sayWhenLate logs once that the topic has not come, unless the timer is stopped.
func (m *Mirror) sayWhenLate() *time.Timer {
	return time.AfterFunc(lateMirror, func() {
		if s := m.Stats(); s.State == "looking" && s.Starts == 0 {
			m.log.Warn("waiting for a topic of another host", "framebuffer.topic", s.Topic, "framebuffer.from", s.From, "error.message", s.Why)
		}
	})
}

// once finds the topic and copies it for as long as it comes. Its error is never nil.
func (m *Mirror) once(ctx context.Context) error {
	if err := m.awaitDemand(ctx); err != nil {
		return err
	}
	h, err := m.find(ctx)
	if err != nil {
		return err
	}
	m.count(func(s *MirrorStats) { s.Host, s.ID = h.Host, h.ID })
	return m.follow(ctx, h)
}

// awaitDemand waits until somebody here wants the topic. The directory tells nobody, so it
// is looked at from time to time.
func (m *Mirror) awaitDemand(ctx context.Context) error {
	for m.options.OnDemand {
		wanted, err := m.wanted()
		if err != nil || wanted {
			return err
		}
		m.count(func(s *MirrorStats) { s.State, s.Why = "waiting", "nobody subscribes to it here" })
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

func (m *Mirror) wanted() (bool, error) {
	all, err := monitor.Topics(m.ring)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(all, func(t monitor.Topic) bool { return t.Name == m.options.Topic && len(t.Subscribers) > 0 }), nil
}
