package record

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
	"github.com/core-framebuffer/framebuffer/internal/sampler"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// RecorderOptions are for NewRecorder. Topic is required; the zero value of the others means
// the defaults.
type RecorderOptions struct {
	Topic string

	// Recording is what the recording is called: anything that a topic can be called. One
	// that there is goes on. Default: the topic's name.
	Recording string

	// From is which frame of the topic to begin with. Default: the next.
	From topic.From

	// MaxAge and MaxBytes are how old a frame may become in the recording, 0.1 s at least,
	// and how many bytes it may take, what JetStream adds (some hundred bytes for each 512 KiB)
	// included; the oldest frames are deleted. Default: no limit, or what a recording that
	// goes on has.
	MaxAge   time.Duration
	MaxBytes int64

	// Replicas is on how many servers of a NATS cluster it is kept. Default: 1, or what a
	// recording that goes on has.
	Replicas int

	// Every leaves out the frames whose numbers it does not divide. Default: none.
	Every int

	// Rate is how many frames a second there are at most. Default: as many as there are.
	Rate float64

	// Logger gets what is worth knowing. Default: nothing is logged.
	Logger *slog.Logger
}

// Recorder puts a topic's frames into JetStream, with numbers, times, metadata and checksums.
// The publisher does not wait for it: frames that it is too slow for are lost to it, and counted.
// When JetStream is away it begins again where it was, as far as the ring still has that.
type Recorder struct {
	ring    *framebuffer.Client
	options RecorderOptions
	log     *slog.Logger
	sub     *topic.Subscription
	writer  *streamWriter
	began   time.Time

	// Run's own.
	sampler sampler.Sampler
	again   []topic.Message // to be sent once more before what comes next
	buffer  []byte

	asking sync.WaitGroup // for why JetStream does not store

	mu     sync.Mutex
	stats  RecorderStats
	outage *outage // nil: JetStream stores
}

// State says what a recorder does.
type State string

// The states of a recorder.
const (
	StateRecording State = "recording" // JetStream stores what the topic publishes
	StateWaiting   State = "waiting"   // for NATS, JetStream or its disk; RecorderStats.Why says for which
)

// RecorderStats are a recorder's figures; they only grow, but for what it says of the moment.
type RecorderStats struct {
	Topic     string `json:"topic"`
	Recording string `json:"recording"`
	State     State  `json:"state"`
	Why       string `json:"why,omitempty"`     // it waits, or waited last
	Frames    uint64 `json:"frames"`            // that JetStream has stored
	Bytes     uint64 `json:"bytes"`             // of those
	Lost      uint64 `json:"lost"`              // too late for them, or not stored before the end
	LeftOut   uint64 `json:"left_out"`          // by Every and Rate
	Refused   uint64 `json:"refused"`           // larger than the recording may be
	Trouble   string `json:"trouble,omitempty"` // why JetStream did not store last, and the remedy
}

// NewRecorder makes the recording in the JetStream of that connection, or opens it, and
// subscribes to the topic: nothing that is published after that is missed, once Run runs. Ring
// and connection stay the caller's, and must not be closed before Run has returned. When a
// recording goes on that another recorder writes to, that one ends.
//
// It returns ErrNoJetStream, framebuffer.ErrBadSize for options out of range, topic.ErrBadName
// for a recording's name that cannot be, or that is of another topic, and the errors of
// topic.Subscribe.
func NewRecorder(ctx context.Context, nc *nats.Conn, ring *framebuffer.Client, options *RecorderOptions) (*Recorder, error) {
	var opts RecorderOptions
	if options != nil {
		opts = *options
	}
	opts.Recording = cmp.Or(opts.Recording, opts.Topic)
	if err := opts.check(); err != nil {
		return nil, err
	}
	r := &Recorder{ring: ring, options: opts, log: opts.Logger, began: time.Now(), sampler: sampler.Sampler{Every: uint64(opts.Every), Rate: opts.Rate}}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.log = r.log.With("framebuffer.topic", opts.Topic, "framebuffer.recording", opts.Recording)
	r.stats = RecorderStats{Topic: opts.Topic, Recording: opts.Recording, State: StateWaiting}
	var err error
	if r.writer, err = newStreamWriter(nc, opts.Recording, r.log, r.stored); err != nil {
		return nil, err
	}
	if err := r.writer.openStream(ctx, opts); err != nil {
		return nil, err
	}
	if r.sub, err = topic.Subscribe(ring, opts.Topic, &topic.SubscribeOptions{From: opts.From}); err != nil {
		return nil, err
	}
	return r, nil
}

func (o *RecorderOptions) check() error {
	if o.Every < 0 || o.Rate < 0 || o.Rate != o.Rate || o.MaxBytes < 0 || o.Replicas < 0 {
		return fmt.Errorf("%w: every %d frames, %v a second, %d bytes, %d replicas; none can be negative", framebuffer.ErrBadSize, o.Every, o.Rate, o.MaxBytes, o.Replicas)
	}
	if o.MaxAge != 0 && o.MaxAge < shortest {
		return fmt.Errorf("%w: frames that become %v old; they can become %v at least", framebuffer.ErrBadSize, o.MaxAge, shortest)
	}
	return checkRecording(o.Recording)
}

// Stats returns the recorder's figures. It may be called concurrently with Run.
func (r *Recorder) Stats() RecorderStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Lost = r.lost()
	return s
}

// lost is how many frames were lost by now. The recorder is locked.
func (r *Recorder) lost() uint64 { return r.stats.Lost + r.sub.Lost() }

func (r *Recorder) count(f func(*RecorderStats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.stats)
}

func (r *Recorder) stored(m topic.Message) {
	r.count(func(s *RecorderStats) { s.Frames++; s.Bytes += uint64(m.Frame.Size) })
	r.over(m)
}

const (
	// leaveLimit is how long what was sent may take to be stored once the context has ended.
	leaveLimit = 5 * time.Second

	// discardLimit is how long deleting a recording without a frame may take.
	discardLimit = 2 * time.Second

	// endPoll is how often a recorder whose ring has ended checks its connection, and endGrace how
	// long it waits at least: the ring's memory is to be free within a second, for the next server.
	endPoll  = 150 * time.Millisecond
	endGrace = 500 * time.Millisecond

	// Waits between attempts to go on.
	firstRecordWait = 20 * time.Millisecond
	lastRecordWait  = 500 * time.Millisecond
)

// Run records until the context or the topic ends, and then returns nil; what was sent by then
// gets five seconds to be stored. It ends with ErrNoRecording when the recording is deleted,
// with an error when another recorder takes it over, and with framebuffer.ErrClosed when the
// ring is closed. A recording that it made for a topic in which no frame came it deletes. It may be
// called once.
func (r *Recorder) Run(ctx context.Context) error {
	defer r.close()
	// What ends last.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(leaveLimit, end) })()
	defer follow.OnEnd(r.ring, func() { r.endWithRing(life, end) })()
	wait := firstRecordWait
	for {
		before := r.Stats().Frames
		again, err := r.writer.resync(life)
		if err == nil {
			r.again = append(again, r.again...)
			err = r.record(ctx, life)
		}
		switch {
		case err == nil:
			return nil
		case life.Err() != nil:
			return r.leave(err)
		case fatal(err):
			return cmp.Or(r.leave(err), err)
		}
		if r.Stats().Frames > before {
			wait = firstRecordWait
		}
		r.waits(life, err)
		select {
		case <-life.Done():
			return r.leave(err)
		case <-time.After(wait):
			wait = min(2*wait, lastRecordWait)
		}
	}
}

func fatal(err error) bool {
	return slices.ContainsFunc([]error{
		framebuffer.ErrClosed, framebuffer.ErrCorrupt, nats.ErrConnectionClosed, ErrNoRecording, errTakenOver,
	}, func(f error) bool { return errors.Is(err, f) })
}

// endWithRing ends the life of a recorder whose ring has ended: soon, if JetStream ended with it.
// Otherwise what was sent gets its time.
func (r *Recorder) endWithRing(life context.Context, end func()) {
	for soon, last := time.Now().Add(endGrace), time.Now().Add(leaveLimit); time.Now().Before(last); {
		select {
		case <-life.Done():
			return
		case <-time.After(endPoll):
		}
		if time.Now().After(soon) && !r.writer.nats.IsConnected() {
			break
		}
	}
	end()
}

// unread is how many frames there are in a ring that has ended, which nothing reads any more.
func (r *Recorder) unread() int {
	return int(r.sub.Lag())
}

// leave counts what is not known to be stored. It returns why the ring has ended, if it has.
func (r *Recorder) leave(err error) error {
	left := len(r.writer.unsettled()) + len(r.again)
	ended := r.ring.Err()
	if ended != nil {
		left += r.unread()
	}
	if left > 0 {
		r.count(func(s *RecorderStats) { s.Lost += uint64(left) })
		r.log.Warn("frames were not stored before the end", "framebuffer.frames", left, "error.message", err)
	}
	return ended
}

func (r *Recorder) close() {
	r.asking.Wait()
	if s := r.Stats(); s.Frames+s.LeftOut+s.Lost+s.Refused == 0 { // no frame came at all
		ctx, cancel := context.WithTimeout(context.Background(), discardLimit)
		defer cancel()
		if err := r.writer.discard(ctx); err != nil {
			r.log.Info("an empty recording is left", "error.message", err)
		}
	}
	r.writer.close()
	_ = r.sub.Close() // always nil
}
