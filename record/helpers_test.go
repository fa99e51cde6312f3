package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// recording is a recorder that runs.
type recording struct {
	*record.Recorder
	ring *framebuffer.Client
	stop context.CancelFunc
	done chan error
}

func startRecorder(t testing.TB, nc *nats.Conn, ring *framebuffer.Client, opts record.RecorderOptions) *recording {
	t.Helper()
	r, err := record.NewRecorder(natstest.Within(t), nc, ring, &opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	rec := &recording{Recorder: r, ring: ring, stop: cancel, done: make(chan error, 1)}
	go func() { rec.done <- r.Run(ctx) }()
	t.Cleanup(cancel)
	return rec
}

// ended waits for the end, and returns its error.
func (r *recording) ended(t testing.TB) error {
	t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(natstest.Limit):
		t.Fatalf("the recorder does not end: %+v", r.Stats())
		return nil
	}
}

// has waits until so many frames are stored.
func (r *recording) has(t testing.TB, frames uint64) {
	t.Helper()
	natstest.Eventually(t, "frames are stored", func() error {
		if s := r.Stats(); s.Frames < frames {
			return fmt.Errorf("%+v, not %d", s, frames)
		}
		return nil
	})
}

// replay publishes a recording as fast as it can, to the end.
func replay(t testing.TB, nc *nats.Conn, ring *framebuffer.Client, opts record.PlayerOptions) record.PlayerStats {
	t.Helper()
	if opts.Speed == 0 {
		opts.Speed = 1e18
	}
	p, err := record.NewPlayer(natstest.Within(t), nc, ring, &opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(natstest.Within(t)); err != nil {
		t.Fatalf("%v, %+v", err, p.Stats())
	}
	return p.Stats()
}

// replayed reads all frames of an ended topic, compares each with what was published under its
// number, less base, and returns the numbers.
func replayed(t testing.TB, ring *framebuffer.Client, name string, most int, base uint64) (numbers []uint64) {
	t.Helper()
	sub, err := topic.Subscribe(ring, name, &topic.SubscribeOptions{From: topic.FromOldest})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	for {
		m, err := sub.Next(natstest.Within(t))
		if errors.Is(err, topic.ErrEnded) {
			return numbers
		}
		if err != nil {
			t.Fatal(err)
		}
		seed := m.Sequence - base
		want := topic.Meta{ContentType: "test", Width: int(seed), User: []byte(strconv.FormatUint(seed, 10))}
		if seed%3 == 0 {
			want = topic.Meta{}
		}
		data, err := ring.Get(m.Frame)
		if err != nil || !bytes.Equal(data, natstest.Content(seed, natstest.SizeOf(seed, most))) {
			t.Fatalf("number %d: %d bytes, %v", m.Sequence, len(data), err)
		}
		if !m.Time.Equal(time.Unix(int64(seed), 1)) || !reflect.DeepEqual(m.Meta, want) {
			t.Fatalf("number %d: %+v", m.Sequence, m)
		}
		numbers = append(numbers, m.Sequence)
	}
}
