package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// PlayerOptions are for NewPlayer. Recording is required; the zero value of the others means
// the defaults.
type PlayerOptions struct {
	Recording string

	// Topic is which topic to publish to. Nobody else should. Default: the recording's name,
	// so that nothing gets in the way of the topic that was recorded.
	Topic string

	// Speed is how many times as fast as they were published the frames come; +Inf: as fast
	// as possible. Default: 1.
	Speed float64

	// From and To are when the frames were recorded. Default: all.
	From, To time.Time

	// Loop begins again at the end, without end.
	Loop bool

	// Logger gets what is worth knowing. Default: nothing is logged.
	Logger *slog.Logger
}

// Player publishes the frames of a recording to a topic of this host: with their times,
// metadata and gaps in between, and with their numbers, if these go on behind those that the
// topic has; otherwise all are raised by as much. Each frame is verified before. The time
// between two frames is that of their times, or, where these go back or leap ahead, that of the
// recorder; while nobody recorded no time passes.
type Player struct {
	nats    *nats.Conn
	js      jetstream.JetStream
	ring    *framebuffer.Client
	options PlayerOptions
	log     *slog.Logger
	pub     *topic.Publisher

	// Run's own.
	base  uint64 // our numbers, less the recording's
	pacer pacer

	mu    sync.Mutex
	stats PlayerStats
}

// PlayerStats are a player's figures; they only grow.
type PlayerStats struct {
	Recording  string `json:"recording"`
	Topic      string `json:"topic"`
	Frames     uint64 `json:"frames"`     // published
	Bytes      uint64 `json:"bytes"`      // of those
	Damaged    uint64 `json:"damaged"`    // not what was recorded, or messages of no recorder: passed over
	Incomplete uint64 `json:"incomplete"` // not all there, or not any more: deleted meanwhile, or cut off when the recorder was
	Refused    uint64 `json:"refused"`    // too large for this ring, or overrun at once
	Passes     uint64 `json:"passes"`     // how often it came to the end
	Laps       uint64 `json:"laps"`       // Deprecated: Passes.
}

// NewPlayer opens the recording and makes the topic. Ring and connection stay the caller's, and
// must not be closed before Run has returned. It returns ErrNoRecording, ErrNoJetStream,
// framebuffer.ErrBadSize for options out of range, topic.ErrBadName for a name that no
// recording can have, and the errors of topic.NewPublisher.
func NewPlayer(ctx context.Context, nc *nats.Conn, ring *framebuffer.Client, options *PlayerOptions) (*Player, error) {
	var opts PlayerOptions
	if options != nil {
		opts = *options
	}
	opts.Topic, opts.Speed = cmp.Or(opts.Topic, opts.Recording), cmp.Or(opts.Speed, 1)
	if !(opts.Speed > 0) {
		return nil, fmt.Errorf("%w: a speed of %v; it has to be more than 0", framebuffer.ErrBadSize, opts.Speed)
	}
	if !opts.To.IsZero() && opts.To.Before(opts.From) {
		return nil, fmt.Errorf("%w: a replay from %v to %v, which is earlier", framebuffer.ErrBadSize, opts.From, opts.To)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	stream, err := openRecording(ctx, js, opts.Recording)
	if err != nil {
		return nil, err
	}
	pub, err := topic.NewPublisher(ring, opts.Topic)
	if err != nil {
		return nil, err
	}
	p := &Player{nats: nc, js: js, ring: ring, options: opts, log: opts.Logger, pub: pub, pacer: pacer{speed: opts.Speed}}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.log = p.log.With("framebuffer.topic", opts.Topic, "framebuffer.recording", opts.Recording)
	if stream.CachedInfo().Config.Metadata[metaFormat] == earlierFormat {
		p.log.Warn("this recording is of an earlier version, and all that may publish to framebuffer.> can have added frames to it; recording to it once more moves it to subjects of its own",
			"messaging.destination.name", recordingSubject+spelled(opts.Recording))
	}
	p.stats = PlayerStats{Recording: opts.Recording, Topic: opts.Topic}
	return p, nil
}

// Stats returns the player's figures. It may be called concurrently with Run.
func (p *Player) Stats() PlayerStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

func (p *Player) count(f func(*PlayerStats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.stats)
}

// Run publishes until the recording ends, of which one that goes on has none before the player
// has caught up with it; or until the context ends. Then it ends the topic and returns nil. It
// returns framebuffer.ErrTimeout when nothing whole was there to be published, ErrNoRecording
// when the recording is deleted, and framebuffer.ErrClosed when the ring is closed. While NATS
// is away it waits. It may be called once.
func (p *Player) Run(ctx context.Context) (err error) {
	defer func() {
		if end := p.pub.End(); end != nil && err == nil {
			err = end
		}
	}()
	p.log.Info("replaying", "framebuffer.speed", p.options.Speed)
	for {
		before := p.Stats().Frames
		err := p.playOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		p.count(func(s *PlayerStats) { s.Passes++; s.Laps++ })
		p.pacer.newPass = true
		s := p.Stats()
		switch {
		case s.Frames == before:
			return fmt.Errorf("%w: the recording %q has no whole frame in that time (%d damaged, %d incomplete, %d too large for this ring)", framebuffer.ErrTimeout, s.Recording, s.Damaged, s.Incomplete, s.Refused)
		case !p.options.Loop:
			return nil
		}
	}
}

// publish publishes a frame when it is due.
func (p *Player) publish(ctx context.Context, m moment, data []byte) error {
	if err := p.pacer.wait(ctx, m); err != nil {
		return err
	}
	h := m.frame
	f, err := p.ring.Put(data)
	for range 3 { // somebody else may publish, or end the topic
		if err != nil {
			break
		}
		if next := p.pub.Next(); h.Sequence+p.base < next {
			p.base = next - h.Sequence
		}
		_, err = p.pub.Mirror(f, topic.Message{Sequence: h.Sequence + p.base, Time: time.Unix(0, h.Time), Meta: h.Meta})
		switch {
		case err == nil:
			p.count(func(s *PlayerStats) { s.Frames++; s.Bytes += uint64(h.Size) })
			return nil
		case errors.Is(err, topic.ErrEnded):
			err = p.pub.Reopen()
		case errors.Is(err, topic.ErrSequence):
			err = nil
		}
	}
	for _, f := range []error{framebuffer.ErrClosed, framebuffer.ErrReadOnly, framebuffer.ErrCorrupt} {
		if errors.Is(err, f) {
			return err
		}
	}
	p.log.Debug("a frame was not published", "framebuffer.sequence", h.Sequence, "error.message", err)
	p.count(func(s *PlayerStats) { s.Refused++ })
	return nil
}
