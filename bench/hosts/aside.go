package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
	"github.com/core-framebuffer/framebuffer/topic"
)

// aside has another process of this host do what o says, while this one reads the topics too.
func (h *host) aside(o order, a *answer) error {
	var readers sync.WaitGroup
	defer readers.Wait()
	for range o.Readers {
		for _, name := range o.Topics {
			sub, err := topic.Subscribe(h.ring, name, nil)
			if err != nil {
				return err
			}
			readers.Go(func() {
				for range sub.Frames(context.Background()) { // until it is closed
				}
			})
			defer sub.Close()
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	task, err := json.Marshal(o)
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "aside", h.ring.Key(), string(task))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", o.Do, err)
	}
	return json.Unmarshal(out, a)
}

// publisherAside is what that process is: it publishes on the first core, and prints an answer.
func publisherAside(key, task string) (err error) {
	var o order
	if err := json.Unmarshal([]byte(task), &o); err != nil {
		return err
	}
	machine.Pin(os.Getpid(), 0)
	ring, err := framebuffer.Attach(key, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ring.Close()) }()
	data := make([]byte, frameSize)
	for range ringSize/frameSize + 1 { // this process has each page, and not while it is measured
		if _, err := ring.Put(data); err != nil {
			return err
		}
	}
	var pubs []*topic.Publisher
	for _, name := range o.Topics {
		pub, err := topic.NewPublisher(ring, name)
		if err != nil {
			return err
		}
		pubs = append(pubs, pub)
	}
	var a answer
	if o.Do == "live" {
		a.Latencies, err = live(ring, pubs[0], data, o.Count)
	} else {
		a.Rate, err = many(pubs, data[:4096], o.Count)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(a)
}
