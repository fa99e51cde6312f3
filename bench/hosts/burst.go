package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/topic"
)

// send sends a burst, as bare payloads or into a topic, until the other side says that all of
// it is there. Nothing holds it back: it is less than NATS keeps for a slow consumer.
func (h *host) send(o order, a *answer) error {
	done, err := h.nats.SubscribeSync("bench.done")
	if err != nil {
		return err
	}
	defer func() { _ = done.Unsubscribe() }()
	if err := h.nats.Flush(); err != nil {
		return err
	}
	begun := time.Now()
	if o.Do == "bare" {
		err = h.bare(o)
	} else {
		err = h.burst()
	}
	if err != nil {
		return err
	}
	_, err = done.NextMsg(20 * time.Second)
	a.Seconds = time.Since(begun).Seconds()
	return err
}

// bare publishes payloads, Count bytes ahead at most, or with no limit.
func (h *host) bare(o order) error {
	come, err := h.nats.SubscribeSync("bench.come")
	if err != nil {
		return err
	}
	defer func() { _ = come.Unsubscribe() }()
	if err := h.nats.Flush(); err != nil {
		return err
	}
	for sent, there := 0, 0; sent < burst*frameSize; {
		n := min(o.Size, burst*frameSize-sent)
		for o.Count > 0 && sent+n-there > o.Count {
			m, err := come.NextMsg(20 * time.Second)
			if err != nil {
				return err
			}
			if there, err = strconv.Atoi(string(m.Data)); err != nil {
				return err
			}
		}
		if err := h.nats.Publish("bench.bare", h.data[:n]); err != nil {
			return err
		}
		sent += n
	}
	return nil
}

// burst publishes the frames of one.
func (h *host) burst() error {
	pub, err := topic.NewPublisher(h.ring, "cam")
	if err != nil {
		return err
	}
	for range burst {
		if _, err := pub.Publish(h.data, nil); err != nil {
			return err
		}
	}
	return nil
}

// sink takes bursts of both kinds, and says when one is there.
func (h *host) sink() error {
	got, said := 0, 0
	sub, err := h.nats.Subscribe("bench.bare", func(m *nats.Msg) {
		if got += len(m.Data); got-said >= ahead/8 {
			said = got
			_ = h.nats.Publish("bench.come", []byte(strconv.Itoa(got)))
		}
		if got >= burst*frameSize {
			got, said = 0, 0
			_ = h.nats.Publish("bench.done", nil) // or the other side says so
		}
	})
	if err != nil {
		return err
	}
	copied, err := topic.Subscribe(h.ring, "cam", nil)
	if err != nil {
		return err
	}
	go func() {
		for n := 1; ; n++ {
			if _, err := copied.Next(context.Background()); err != nil {
				return // at the end
			}
			if n%burst == 0 {
				_ = h.nats.Publish("bench.done", nil)
			}
		}
	}()
	return errors.Join(sub.SetPendingLimits(-1, -1), h.nats.Flush())
}
