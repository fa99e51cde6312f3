package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

const (
	inFlight    = 3                // frames that a writer sends concurrently
	slowEvery   = 8                // of so many frames, one goes to the slow reader as well
	answerLimit = 10 * time.Second // how long a reader may take to answer
	tick        = 100 * time.Millisecond
)

// writer sends pictures: it allocates by RPC, writes, and sends the descriptor by RPC.
type writer struct {
	client   *service.Client
	display  *display
	pictures []Picture
	mu       sync.Mutex
	next     int
	count    Counts
}

// runWriter runs the part of a writer.
func runWriter(ctx context.Context, p Part, l *link) (err error) {
	client, pictures, err := connect(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	d, err := newDisplay(client.Key(), fmt.Sprintf("writer %d", p.Index))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	w := &writer{client: client, display: d, pictures: pictures, next: p.Index * 5}
	if err := l.send(report{Ready: true}); err != nil {
		return err
	}
	var senders sync.WaitGroup
	for range inFlight {
		senders.Go(func() {
			for ctx.Err() == nil {
				w.sendOne()
			}
		})
	}
	if err := progress(ctx, l, w.snapshot); err != nil {
		return err
	}
	senders.Wait() // every frame that was sent gets an answer
	if err := client.NATS().Flush(); err != nil {
		return err
	}
	return l.send(report{Done: true, Count: w.snapshot()})
}

// snapshot are the counts so far.
func (w *writer) snapshot() Counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// sendOne sends one picture and waits for the reader's answer. A timeout, here or in the reader, is
// counted and not repeated.
func (w *writer) sendOne() {
	w.mu.Lock()
	n := w.next
	w.next++
	w.mu.Unlock()

	m := sendData{Picture: n % len(w.pictures), Sent: time.Now().UnixNano()}
	picture := w.pictures[m.Picture]
	err := w.write(&m, picture)
	var slow bool
	if err == nil {
		slow, err = w.tell(m, n%slowEvery == 0)
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	if slow {
		w.count.SentSlow++
	}
	switch {
	case err == nil:
		w.count.Sent++
	case errors.Is(err, framebuffer.ErrTimeout):
		w.count.Timeouts++
	default:
		w.count.Unanswered++
		if w.count.Failure == "" {
			w.count.Failure = err.Error()
		}
	}
}

// write allocates, writes a picture, and stores its descriptor in m.
func (w *writer) write(m *sendData, picture Picture) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	offset, err := w.client.RemoteAllocate(ctx, len(picture))
	if err != nil {
		return err
	}
	sum, err := w.client.Write(offset, picture)
	if err != nil {
		return err
	}
	m.Frame = framebuffer.Frame{Key: w.client.Key(), Offset: offset, Size: len(picture), Checksum: sum}
	return w.display.show(m.Frame)
}

// tell sends the descriptor to one of the readers, and to the slow reader too if slowToo is set.
func (w *writer) tell(m sendData, slowToo bool) (slow bool, err error) {
	text, err := json.Marshal(m)
	if err != nil {
		return false, err
	}
	nc := w.client.NATS()
	if slowToo {
		if err := nc.Publish(slowSubject, text); err != nil {
			return false, err
		}
	}
	_, err = nc.Request(readerSubject, text, answerLimit)
	return slowToo, err
}

// progress sends a report at each tick until ctx is done.
func progress(ctx context.Context, l *link, snapshot func() Counts) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			if err := l.send(report{Count: snapshot()}); err != nil {
				return err
			}
		}
	}
}
