package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

// reader is a micro service with an endpoint send_data.
type reader struct {
	ctx      context.Context // ends when the demo does
	client   *service.Client
	pictures []Picture
	slow     bool
	mu       sync.Mutex
	count    Counts
	last     []byte // the newest frame, for the thumbnail
}

// runReader runs the part of a reader.
func runReader(ctx context.Context, p Part, l *link) (err error) {
	client, pictures, err := connect(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	r := &reader{ctx: ctx, client: client, pictures: pictures, slow: p.Role == "slow"}
	subject := readerSubject
	if r.slow {
		subject = slowSubject
	}
	name, _, _ := strings.Cut(subject, ".")
	svc, err := micro.AddService(client.NATS(), micro.Config{
		Name: name, Version: "1.0.0", Description: "takes descriptors of frames and reads them",
	})
	if err != nil {
		return err
	}
	if err := svc.AddEndpoint("send_data", micro.HandlerFunc(r.sendData), micro.WithEndpointSubject(subject)); err != nil {
		return err
	}
	if err := client.NATS().Flush(); err != nil { // NATS has the subscription before writers start
		return err
	}
	if err := l.send(report{Ready: true}); err != nil {
		return err
	}
	if err := r.progress(ctx, l, p.Thumbs); err != nil {
		return err
	}
	// The writers have ended and flushed. Readers that keep up have answered all messages. The slow
	// reader may have messages in its queue: a message to itself is answered after those.
	if r.slow {
		if _, err := client.NATS().Request(subject, nil, answerLimit); err != nil {
			return err
		}
	}
	if err := svc.Stop(); err != nil {
		return err
	}
	if p.Save != "" {
		if err := savePicture(filepath.Join(p.Save, "reader-1.png"), r.last); err != nil {
			return err
		}
	}
	return l.send(report{Done: true, Count: r.snapshot(true)})
}

// snapshot are the counts so far; latencies only if all is set.
func (r *reader) snapshot(all bool) Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.count
	if !all {
		c.Latency = nil
	}
	return c
}

// sendData is the endpoint: it reads the frame of the message and answers with the outcome. The
// answer to an empty message means that all messages before it are done.
func (r *reader) sendData(req micro.Request) {
	if len(req.Data()) == 0 {
		_ = req.Respond(nil)
		return
	}
	var m sendData
	if err := json.Unmarshal(req.Data(), &m); err != nil {
		r.tally(m, nil, err)
		_ = req.Error("BAD_REQUEST", err.Error(), nil)
		return
	}
	if r.slow {
		r.dawdle(m)
	}
	data, err := r.client.Get(r.ctx, m.Frame)
	r.tally(m, data, err)
	answer := "ok"
	if err != nil {
		answer = err.Error()
	}
	_ = req.Respond([]byte(answer)) // the writer may have ended; the count is what matters
}

// dawdle waits, for two frames out of three, until the ring has overwritten the frame. So the
// reader is too slow on a machine of any speed.
func (r *reader) dawdle(m sendData) {
	r.mu.Lock()
	n := r.count.read()
	r.mu.Unlock()
	for n%3 != 0 && r.ctx.Err() == nil {
		if st := r.client.Stats(); st.Head-m.Offset > st.Capacity {
			return
		}
		select {
		case <-r.ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
}

// tally compares the bytes with the picture itself, without relying on the checksum, and counts the
// outcome.
func (r *reader) tally(m sendData, data []byte, err error) {
	took := time.Now().UnixNano() - m.Sent
	known := m.Picture >= 0 && m.Picture < len(r.pictures)
	same := err == nil && known && bytes.Equal(data, r.pictures[m.Picture])
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, framebuffer.ErrTimeout):
		r.count.Timeouts++
	case err != nil:
		r.count.Failed++
		if r.count.Failure == "" {
			r.count.Failure = err.Error()
		}
	case same:
		r.count.Same++
		r.count.Latency = append(r.count.Latency, took)
		r.last = data
	default:
		r.count.Wrong++
	}
}

// progress sends reports, with thumbnails if thumbs is set, until ctx is done.
func (r *reader) progress(ctx context.Context, l *link, thumbs bool) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			rep := report{Count: r.snapshot(false)}
			if thumbs {
				r.mu.Lock()
				last := r.last
				r.mu.Unlock()
				rep.Thumb = shrink(last)
			}
			if err := l.send(rep); err != nil {
				return err
			}
		}
	}
}
