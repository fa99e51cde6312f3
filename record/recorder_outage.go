package record

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

// outage is a time in which JetStream did not store a recorder's frames. It begins with the first
// failure, and ends when JetStream stores a frame that came after the last failure: by then the
// number of lost frames is known.
type outage struct {
	since time.Time
	lost  uint64 // frames lost before it
	fresh bool   // a frame came since the last failure
	from  uint64 // the sequence number of that frame
}

// begins sets the state to [StateRecording], unless there is an outage, and logs the change.
func (r *Recorder) begins() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outage == nil && r.stats.State != StateRecording {
		r.stats.State = StateRecording
		r.log.Info("recording")
	}
}

// waits sets the state to [StateWaiting] after a frame was not stored. At the beginning of an
// outage it finds out why, on another goroutine, and logs the reason.
func (r *Recorder) waits(ctx context.Context, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.State, r.stats.Why = StateWaiting, err.Error()
	if r.outage != nil {
		r.outage.fresh = false
		return
	}
	r.outage = &outage{since: time.Now(), lost: r.lost()}
	r.asking.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, natsconn.RequestTimeout)
		defer cancel()
		trouble := r.trouble(ctx, err)
		r.log.Warn("JetStream does not store; trying again", "error.message", trouble)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.stats.Trouble = trouble
	})
}

// went notes a frame that came from the topic: the first one after a failure can end the outage.
func (r *Recorder) went(m topic.Message, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.outage; err == nil && o != nil && !o.fresh {
		o.fresh, o.from = true, m.Sequence
	}
}

// over ends an outage if the stored frame m came after the last failure, and logs how many frames
// were lost.
func (r *Recorder) over(m topic.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.outage
	if o == nil {
		return
	}
	if r.stats.State = StateRecording; !o.fresh || m.Sequence < o.from {
		return
	}
	r.outage = nil
	r.log.Warn("JetStream stores again", "framebuffer.lost", r.lost()-o.lost, "framebuffer.duration", time.Since(o.since).Seconds())
}

// trouble returns why JetStream does not store, as far as that is known, and what to do.
func (r *Recorder) trouble(ctx context.Context, err error) string {
	nc := r.writer.nats
	if !nc.IsConnected() {
		return fmt.Sprintf("%v; recording goes on when NATS is back", err)
	}
	if h := brokenStore(ctx, nc); h != nil {
		s := h.Store
		return fmt.Sprintf("JetStream on host %s does not write to %s, whose disk has %s free, and stores %s at most (%s): make room on that disk, or delete recordings with framebuffer recordings --delete; recording goes on by itself then",
			h.Host, s.Dir, humanize.IBytes(s.Free), humanize.IBytes(uint64(max(s.Limit, 0))), s.Trouble)
	}
	return fmt.Sprintf("%v: the NATS server %q at %s keeps the recording: if a disk is full or a limit is reached there (store_dir, max_file_store), make room, or delete recordings with framebuffer recordings --delete; one that had no disk space has to be started again",
		err, nc.ConnectedServerName(), natsconn.RedactURL(nc.ConnectedUrl()))
}

// hostStore is what a server reports about its host and its JetStream.
type hostStore struct {
	Host  string          `json:"host"`
	Store *natsconn.Store `json:"jetstream"`
}

// brokenStore returns the first server whose JetStream has stopped writing, or nil if there is none
// or not all servers answered.
func brokenStore(ctx context.Context, nc *nats.Conn) (broken *hostStore) {
	pings, err := natsconn.PingAll(ctx, nc)
	if err != nil {
		return nil
	}
	ids := make([]string, len(pings))
	for i, p := range pings {
		ids[i] = p.ID
	}
	err = natsconn.RequestEach(ctx, nc, ids, wire.EndpointAbout, func(a natsconn.Answer) {
		var h hostStore
		if a.Err == nil && broken == nil && json.Unmarshal(a.Data, &h) == nil && h.Store != nil && h.Store.Trouble != "" {
			h.Host, h.Store.Dir, h.Store.Trouble = wire.Clip(h.Host), wire.Clip(h.Store.Dir), wire.Clip(h.Store.Trouble)
			broken = &h
		}
	})
	if err != nil {
		return nil
	}
	return broken
}
