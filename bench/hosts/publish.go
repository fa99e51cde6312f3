package main

import (
	"context"
	"errors"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// live publishes frames at 30 a second, and takes the seconds until a reader of this process
// has each.
func live(ring *framebuffer.Client, pub *topic.Publisher, data []byte, count int) (latencies []float64, err error) {
	sub, err := topic.Subscribe(ring, pub.Topic(), nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sub.Close()) }()
	published := make(chan time.Time, count)
	got := make(chan error, 1)
	go func() {
		for range count {
			_, err := sub.Next(context.Background())
			now := time.Now()
			if err != nil {
				got <- err
				return
			}
			latencies = append(latencies, now.Sub(<-published).Seconds())
		}
		got <- nil
	}()
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for range count {
		<-tick.C
		f, err := ring.Put(data)
		if err != nil {
			return nil, err
		}
		published <- time.Now()
		if _, err := pub.PublishFrame(f, nil, time.Time{}); err != nil {
			return nil, err
		}
	}
	return latencies, <-got
}

// many publishes to all the topics in turn, so many a second, or as fast as it can, and returns
// how many a second that were.
func many(pubs []*topic.Publisher, data []byte, rate int) (float64, error) {
	const long = 300 * time.Millisecond
	begun, n := time.Now(), 0
	for ; time.Since(begun) < long; n++ {
		if rate > 0 {
			if early := time.Duration(n)*time.Second/time.Duration(rate) - time.Since(begun); early > 0 {
				time.Sleep(early)
			}
		}
		if _, err := pubs[n%len(pubs)].Publish(data, nil); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(begun).Seconds(), nil
}
