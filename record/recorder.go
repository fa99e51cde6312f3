package record

import (
	"cmp"
	"context"
	"errors"
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

// Recorder stores a topic's frames in JetStream, with their sequence numbers, times, metadata and
// checksums. The publisher never waits for it: a recorder that is too slow loses frames, and counts
// them. When JetStream cannot be reached, or does not store, the recorder waits, and continues with
// the frames that the ring still has. Methods other than [Recorder.Run] may be called concurrently.
type Recorder struct {
	ring    *framebuffer.Client
	options RecorderOptions
	log     *slog.Logger
	sub     *topic.Subscription
	writer  *streamWriter
	began   time.Time

	// Only Run uses these.
	sampler sampler.Sampler
	again   []topic.Message // to be sent again, before the next frame
	buffer  []byte

	asking sync.WaitGroup // goroutines that ask why JetStream does not store

	mu     sync.Mutex
	stats  RecorderStats
	outage *outage // nil: JetStream stores
}

// NewRecorder opens the recording in the JetStream of that connection, or makes it, and subscribes
// to the topic. [Recorder.Run] then misses nothing that is published after NewRecorder returned.
// The caller closes ring and connection, after Run has returned. If another recorder writes to the
// same recording, that one ends.
//
// It returns [ErrNoJetStream], [framebuffer.ErrBadSize] for options out of range,
// [topic.ErrBadName] for a recording's name that is not valid or that is of a recording of another
// topic, and the errors of [topic.Subscribe].
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

// Stats returns the recorder's counters and state. It may be called concurrently with Run.
func (r *Recorder) Stats() RecorderStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Lost = r.lost()
	return s
}

// lost returns how many frames were lost. The caller holds r.mu.
func (r *Recorder) lost() uint64 { return r.stats.Lost + r.sub.Lost() }

// count changes the counters, under the lock.
func (r *Recorder) count(f func(*RecorderStats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.stats)
}

// stored counts a frame that JetStream has stored.
func (r *Recorder) stored(m topic.Message) {
	r.count(func(s *RecorderStats) { s.Frames++; s.Bytes += uint64(m.Frame.Size) })
	r.over(m)
}

const (
	// leaveLimit is how long storing what was sent may take after the context has ended.
	leaveLimit = 5 * time.Second

	// discardLimit is how long deleting a recording without a frame may take.
	discardLimit = 2 * time.Second

	// endPoll is how often a recorder whose ring has ended checks its connection, and endGrace how
	// long it waits at least: the ring's memory is to be free within a second, for the next server.
	endPoll  = 150 * time.Millisecond
	endGrace = 500 * time.Millisecond

	// The first and the longest wait between two attempts to continue.
	firstRecordWait = 20 * time.Millisecond
	lastRecordWait  = 500 * time.Millisecond
)

// Run records until the context or the topic ends, and then returns nil; JetStream has five seconds
// to store what was sent by then. Run returns [ErrNoRecording] when the recording is deleted, an
// error when another recorder takes it over, and [framebuffer.ErrClosed] when the ring is closed.
// It deletes a recording that it made and for which no frame came. It may be called once.
func (r *Recorder) Run(ctx context.Context) error {
	defer r.close()
	// life outlasts ctx, so that JetStream can store the frames that were sent.
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

// fatal reports whether err is permanent, so that trying again is of no use.
func fatal(err error) bool {
	return slices.ContainsFunc([]error{
		framebuffer.ErrClosed, framebuffer.ErrCorrupt, nats.ErrConnectionClosed, ErrNoRecording, errTakenOver,
	}, func(f error) bool { return errors.Is(err, f) })
}

// endWithRing ends the life of a recorder whose ring has ended: after endGrace if the connection to
// NATS ended too, and otherwise after leaveLimit, so that JetStream can store what was sent.
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

// leave counts the frames that are not known to be stored as lost. It returns the ring's error, nil
// if the ring has not ended.
func (r *Recorder) leave(err error) error {
	left := len(r.writer.unsettled()) + len(r.again)
	ended := r.ring.Err()
	if ended != nil {
		left += int(r.sub.Lag()) // frames in the topic that nothing reads any more
	}
	if left > 0 {
		r.count(func(s *RecorderStats) { s.Lost += uint64(left) })
		r.log.Warn("frames were not stored before the end", "framebuffer.frames", left, "error.message", err)
	}
	return ended
}

// close releases what the recorder uses. It deletes a recording that this recorder created and for
// which no frame came.
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
