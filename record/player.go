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

// PlayerOptions are for [NewPlayer]. Recording is required; the zero value of the other members
// means the default.
type PlayerOptions struct {
	Recording string // to replay

	// Topic is the topic to publish to, to which no other program should publish. Default: the
	// recording's name, which by default is that of the recorded topic.
	Topic string

	// Speed is the ratio of the speed of the replay to that of the recording; +Inf means as fast as
	// possible. Default: 1.
	Speed float64

	// From and To limit the replay to frames that were recorded between these times. Default: all.
	From, To time.Time

	// Loop starts again at the end, until the context ends.
	Loop bool

	// Logger receives the player's log. Default: nothing is logged.
	Logger *slog.Logger
}

// Player publishes the frames of a recording to a topic of this host, with their times, metadata
// and gaps. They keep their sequence numbers if the topic has no later ones; otherwise the same
// offset is added to all. Each frame is verified first. The interval between two frames is that of
// their times, or, where these go back or jump ahead, that of the recorder's clock. Time in which
// no recorder ran is skipped. Methods other than [Player.Run] may be called concurrently.
type Player struct {
	nats    *nats.Conn
	js      jetstream.JetStream
	ring    *framebuffer.Client
	options PlayerOptions
	log     *slog.Logger
	pub     *topic.Publisher

	// Only Run uses these.
	base  uint64 // the offset that is added to the recording's sequence numbers
	pacer pacer

	mu    sync.Mutex
	stats PlayerStats
}

// PlayerStats are a player's counters. They never decrease.
type PlayerStats struct {
	Recording  string `json:"recording"`
	Topic      string `json:"topic"`
	Frames     uint64 `json:"frames"`     // published
	Bytes      uint64 `json:"bytes"`      // of the published frames
	Damaged    uint64 `json:"damaged"`    // frames that do not match their checksum or size, and messages that no recorder stored
	Incomplete uint64 `json:"incomplete"` // frames of which parts are missing: deleted, or not stored before the recorder ended
	Refused    uint64 `json:"refused"`    // frames too large for this ring, or overwritten before they were published
	Passes     uint64 `json:"passes"`     // how often the player reached the recording's end
	Laps       uint64 `json:"laps"`       // Deprecated: Passes.
}

// NewPlayer opens the recording and makes the topic. The caller closes ring and connection, after
// [Player.Run] has returned. It returns [ErrNoRecording], [ErrNoJetStream],
// [framebuffer.ErrBadSize] for options out of range, [topic.ErrBadName] for a name that is not
// valid, and the errors of [topic.NewPublisher].
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
		return nil, fmt.Errorf("record: %w", err)
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

// Stats returns the player's counters. It may be called concurrently with Run.
func (p *Player) Stats() PlayerStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// count changes the counters, under the lock.
func (p *Player) count(f func(*PlayerStats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.stats)
}

// Run publishes until it has reached the end of the recording, or the context ends. Then it ends
// the topic and returns nil. A recording that a recorder still writes to ends where the player has
// caught up with it. Run returns [framebuffer.ErrTimeout] if there was no complete frame to
// publish, [ErrNoRecording] when the recording is deleted, and [framebuffer.ErrClosed] when the
// ring is closed. While NATS cannot be reached it waits. It may be called once.
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

// publish waits until a frame is due and publishes it. A frame that the ring or the topic does not
// take is counted; an error means that the player cannot continue.
func (p *Player) publish(ctx context.Context, m moment, data []byte) error {
	if err := p.pacer.wait(ctx, m); err != nil {
		return err
	}
	h := m.frame
	f, err := p.ring.Put(data)
	for range 3 { // another program may publish to the topic, or end it
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
