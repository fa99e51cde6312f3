package main

import (
	"context"
	"time"

	"github.com/core-framebuffer/framebuffer/topic"
)

func (h *host) publisher(name string) (*topic.Publisher, error) {
	if p := h.pubs[name]; p != nil {
		return p, nil
	}
	p, err := topic.NewPublisher(h.ring, name)
	if err == nil {
		h.pubs[name] = p
	}
	return p, err
}

// live publishes frames at 30 a second, and takes the time until a reader of this host has each.
func (h *host) live(o order, a *answer) error {
	pub, err := h.publisher("live")
	if err != nil {
		return err
	}
	sub, err := topic.Subscribe(h.ring, "live", nil)
	if err != nil {
		return err
	}
	defer sub.Close()
	published := make(chan time.Time, o.Count)
	got := make(chan error, 1)
	go func() {
		for range o.Count {
			_, err := sub.Next(context.Background())
			now := time.Now()
			if err != nil {
				got <- err
				return
			}
			a.Latencies = append(a.Latencies, now.Sub(<-published).Seconds())
		}
		got <- nil
	}()
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for range o.Count {
		<-tick.C
		f, err := h.ring.Put(h.data)
		if err != nil {
			return err
		}
		published <- time.Now()
		if _, err := pub.PublishFrame(f, nil, time.Time{}); err != nil {
			return err
		}
	}
	return <-got
}

// many publishes to all the topics in turn, Count a second, or as fast as it can.
func (h *host) many(o order, a *answer) error {
	const long = 300 * time.Millisecond
	data := h.data[:4096]
	begun, n := time.Now(), 0
	for ; time.Since(begun) < long; n++ {
		if o.Count > 0 {
			if early := time.Duration(n)*time.Second/time.Duration(o.Count) - time.Since(begun); early > 0 {
				time.Sleep(early)
			}
		}
		pub, err := h.publisher(o.Topics[n%len(o.Topics)])
		if err != nil {
			return err
		}
		if _, err := pub.Publish(data, nil); err != nil {
			return err
		}
	}
	a.Rate = float64(n) / time.Since(begun).Seconds()
	return nil
}
