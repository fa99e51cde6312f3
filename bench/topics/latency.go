package main

import (
	"errors"
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

const (
	hotRing  = 8 << 20   // as much as a cache may hold
	fewRing  = 32 << 20  // what two frames of a stream need, one that is written and one that is read
	nearRing = 64 << 20  // what eight frames of a stream need
	wideRing = 256 << 20 // more than any does
	big      = 1 << 20
	hd       = 1920 * 1080 * 3
	asleep   = 100 * time.Microsecond // in which a reader surely falls asleep
)

// measurePairs is all that two processes do with each other: latency polling and asleep, and
// a stream.
func measurePairs(bin string, res *results) (err error) {
	ours, err := startGo()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	theirs, stop, err := startIceoryx(bin)
	if err != nil {
		return err
	}
	defer stop()
	var keys []string
	for _, size := range []int64{hotRing, fewRing, nearRing, wideRing} {
		s, err := framebuffer.NewServer(size, nil)
		if err != nil {
			return err
		}
		defer s.Close()
		keys = append(keys, s.Key())
	}
	hot, few, near, wide := keys[0], keys[1], keys[2], keys[3]
	var all []*contestant
	// For a few milliseconds after both cores were idle, a line takes twice as long between them.
	const turn = 60 * time.Millisecond
	add := func(name string, p *pair, t task) {
		t.Do = strings.TrimRight(strings.Fields(name)[0], ",")
		all = append(all, &contestant{name: name, pair: p, task: t, slice: turn})
	}
	add("line, bare", ours, task{})
	add("line, and one of payload", ours, task{Size: 64})
	add("ping 64 B", ours, task{Key: hot, Topic: "p", Size: 64, Touch: touchAll, Spin: -1})
	add("ping 64 B, verified", ours, task{Key: hot, Topic: "v", Size: 64, Touch: touchAll, Spin: -1, Verify: true})
	add("ping 64 B, published as a copy, verified", ours, task{Key: hot, Topic: "v", Size: 64, Touch: touchAll, Spin: -1, Verify: true, Way: "copy"})
	add("ping 64 B, iceoryx", theirs, task{Size: 64, Touch: touchAll})
	add("ping 1 MiB, ends touched", ours, task{Key: hot, Topic: "p", Size: big, Touch: touchEnds, Spin: -1})
	add("ping 1 MiB, ends touched, iceoryx", theirs, task{Size: big, Touch: touchEnds})
	add("ping 1 MiB, every line touched", ours, task{Key: hot, Topic: "p", Size: big, Touch: touchLines, Spin: -1})
	add("ping 1 MiB, every line touched, iceoryx", theirs, task{Size: big, Touch: touchLines})
	add("futex, bare", ours, task{Think: asleep})
	add("ping 64 B, asleep", ours, task{Key: hot, Topic: "s", Size: 64, Touch: touchAll, Think: asleep})
	for _, window := range []int{2, 8} {
		name := map[int]string{2: "stream 1080p, 2 ahead", 8: "stream 1080p, 8 ahead"}[window]
		if window == 2 {
			add(name+", 32 MiB", ours, task{Key: few, Topic: "f", Size: hd, Window: window, Verify: true, Spin: -1})
		}
		add(name+", 64 MiB", ours, task{Key: near, Topic: "f", Size: hd, Window: window, Verify: true, Spin: -1})
		add(name+", 256 MiB", ours, task{Key: wide, Topic: "f", Size: hd, Window: window, Verify: true, Spin: -1})
		add(name+", iceoryx", theirs, task{Size: hd, Window: window})
	}
	for _, v := range []struct {
		name string
		size int
	}{{"64 KiB", 64 << 10}, {"1 MiB", big}, {"1080p", hd}, {"4K", 4 * hd}} {
		add("view "+v.name, ours, task{Key: wide, Topic: "u", Size: v.size, Touch: touchEnds})
		add("view "+v.name+", verified", ours, task{Key: wide, Topic: "w", Size: v.size, Touch: touchEnds, Verify: true})
	}
	return turns(all, res.Rounds, res)
}

// twoWays says that a task's count is of round trips.
func (t task) twoWays() bool { return t.Do == "ping" || t.Do == "line" || t.Do == "futex" }

// measureFan is one process that publishes and one that subscribes, many times over.
func measureFan(_ string, res *results) (err error) {
	ours, err := startPair(sayJSON, "/proc/self/exe", "play", "loose")
	if err != nil {
		return err
	}
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
		all = append(all, &contestant{name: f.name, pair: ours, slice: 50 * time.Millisecond, lost: true, task: task{
			Do: "fan", Key: s.Key(), Size: 64, Topics: f.topics, Publishers: f.publishers, Subscribers: f.subscribers,
		}})
	}
	return turns(all, res.Rounds, res)
}
