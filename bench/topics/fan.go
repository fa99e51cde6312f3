package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/bench/internal/results"
	"github.com/core-framebuffer/framebuffer/topic"
)

// measureFan is one process that publishes and one that subscribes, many times over.
func (r *run) measureFan(string) (err error) {
	ours, err := startGo()
	if err != nil {
		return err
	}
	ours.loose = true
	defer func() { err = errors.Join(err, ours.stop()) }()
	s, err := framebuffer.NewServer(64<<20, &framebuffer.ServerOptions{Topics: 1024})
	if err != nil {
		return err
	}
	defer s.Close()
	var all []*contestant
	for _, f := range []struct {
		name                            string
		topics, publishers, subscribers int
	}{
		{"fan: 1 subscriber", 1, 1, 1},
		{"fan: 8 subscribers", 1, 1, 8},
		{"fan: 64 subscribers", 1, 1, 64},
		{"fan: 8 publishers, 1 subscriber", 1, 8, 1},
		{"fan: 8 publishers, 8 subscribers", 1, 8, 8},
		{"fan: 1,000 topics, 1 subscriber each", 1000, 1, 1},
	} {
		row := &results.Row{Task: f.name, Kind: results.Ours}
		if !r.match.MatchString(row.Name()) {
			continue
		}
		all = append(all, &contestant{row: row, pair: ours, slice: 50 * time.Millisecond, lost: true, task: task{
			Do: "fan", Key: s.Key(), Size: 64, Topics: f.topics, Publishers: f.publishers, Subscribers: f.subscribers,
		}})
	}
	return r.turns(all)
}

// fan publishes from one process to subscribers in another, who sleep. Every frame is
// counted: each subscription must have received or been told as lost all of its topic's.
func (s *stage) fan(t task) (func() (int64, error), error) {
	c, err := framebuffer.Attach(t.Key, nil)
	if err != nil {
		return nil, err
	}
	if s.left {
		return s.fanOut(c, t)
	}
	return s.fanIn(c, t)
}

func (s *stage) fanOut(c *framebuffer.Client, t task) (func() (int64, error), error) {
	pubs := make([]*topic.Publisher, t.Topics)
	data := make([]byte, t.Size)
	return func() (ns int64, err error) {
		defer func() { err = errors.Join(err, c.Close()) }()
		for i := range pubs { // here, so that topics are open from now on
			if pubs[i], err = topic.NewPublisher(c, fmt.Sprint("topic ", i)); err != nil {
				return 0, err
			}
		}
		errs := make([]error, t.Publishers)
		ns, _ = timed(func() error {
			var all sync.WaitGroup
			for p := range t.Publishers {
				all.Go(func() {
					for i := p; i < t.Count && errs[p] == nil; i += t.Publishers {
						_, errs[p] = pubs[i%t.Topics].Publish(data, nil)
					}
				})
			}
			all.Wait()
			return nil
		})
		for _, p := range pubs {
			errs = append(errs, p.End())
		}
		return ns, errors.Join(errs...)
	}, nil
}

func (s *stage) fanIn(c *framebuffer.Client, t task) (func() (int64, error), error) {
	var subs []*topic.Subscription
	for i := range t.Topics * t.Subscribers {
		sub, err := topic.Subscribe(c, fmt.Sprint("topic ", i%t.Topics), nil)
		if err != nil {
			return nil, err
		}
		subs = append(subs, sub)
	}
	return func() (int64, error) {
		errs := make([]error, len(subs))
		ns, _ := timed(func() error {
			var all sync.WaitGroup
			for i, sub := range subs {
				all.Go(func() { errs[i] = drain(sub, t, i%t.Topics) })
			}
			all.Wait()
			return nil
		})
		s.lost, s.got = 0, 0
		for _, sub := range subs {
			s.lost += sub.Lost()
			s.got += sub.Received()
		}
		return ns, errors.Join(errors.Join(errs...), c.Close())
	}, nil
}

// drain receives until the topic ends, and counts.
func drain(sub *topic.Subscription, t task, number int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var got, lost uint64
	for m, err := range sub.Frames(ctx) {
		if err != nil {
			return err
		}
		got++
		lost += m.Lost
	}
	// What was lost behind the last frame that came is told by the subscription alone.
	want := uint64((t.Count - number + t.Topics - 1) / t.Topics)
	if got != sub.Received() || got+sub.Lost() != want || lost > sub.Lost() {
		return fmt.Errorf("%s: %d frames received and %d lost, %d were published", sub.Topic(), got, sub.Lost(), want)
	}
	return ctx.Err()
}
