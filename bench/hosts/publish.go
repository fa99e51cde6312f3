package main

import (
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
