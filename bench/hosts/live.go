package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
	"github.com/core-framebuffer/framebuffer/topic"
)

// live has another process of this host publish and read, while this one reads too.
func (h *host) live(o order, a *answer) error {
	for range o.Readers {
		sub, err := topic.Subscribe(h.ring, "live", nil)
		if err != nil {
			return err
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range sub.Frames(context.Background()) {
			}
		}()
		defer func() {
			_ = sub.Close() // which ends the loop
			<-done
		}()
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "live", h.ring.Key(), strconv.Itoa(o.Count))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("live: %w", err)
	}
	return json.Unmarshal(out, &a.Latencies)
}

// playLive publishes frames at 30 a second, and takes the time until a reader of this host has
// each; it prints these, in seconds. It keeps to the first core.
func playLive(key string, count int) error {
	machine.Pin(os.Getpid(), 0)
	ring, err := framebuffer.Attach(key, nil)
	if err != nil {
		return err
	}
	defer ring.Close()
	data := make([]byte, frameSize)
	for range ringSize/frameSize + 1 { // this process has each page, and not while it is measured
		if _, err := ring.Put(data); err != nil {
			return err
		}
	}
	pub, err := topic.NewPublisher(ring, "live")
	if err != nil {
		return err
	}
	sub, err := topic.Subscribe(ring, "live", nil)
	if err != nil {
		return err
	}
	defer sub.Close()
	var latencies []float64
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
			return err
		}
		published <- time.Now()
		if _, err := pub.PublishFrame(f, nil, time.Time{}); err != nil {
			return err
		}
	}
	if err := <-got; err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(latencies)
}
