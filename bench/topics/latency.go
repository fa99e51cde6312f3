package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/bench/internal/results"
)

const (
	mib    = 1 << 20
	hd     = 1920 * 1080 * 3
	uhd    = 4 * hd
	asleep = 100 * time.Microsecond // in which a reader surely falls asleep
	// For a few milliseconds after both cores were idle, a line takes twice as long between them.
	slice = 60 * time.Millisecond
)

// field is all that take part in what two processes do with each other.
type field struct {
	ours, limits, iceoryx *pair // the latter started only if it takes part
	keys                  map[int]string
	all                   []*contestant
}

// measurePairs is all that two processes do with each other: latency polling and asleep,
// streams, and views.
func (r *run) measurePairs(bin string) (err error) {
	f := &field{keys: map[int]string{}, iceoryx: &pair{}}
	if f.ours, err = startGo(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.ours.stop()) }()
	if f.limits, err = startLimits(bin); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.limits.stop()) }()
	for _, size := range []int{8, 16, 32, 64, 256} {
		s, err := framebuffer.NewServer(int64(size)*mib, nil)
		if err != nil {
			return err
		}
		defer s.Close()
		f.keys[size] = s.Key()
	}
	f.pings()
	for _, window := range []int{2, 8} {
		f.streams("1080p", hd, window, 16, 32, 64, 256)
		f.streams("4K", uhd, window, 16, 32, 64, 256)
	}
	f.streams("1 MiB", mib, 2, 16)
	f.streams("256 KiB", mib/4, 2, 16)
	f.views()
	f.all = slices.DeleteFunc(f.all, func(c *contestant) bool { return !r.match.MatchString(c.row.Name()) })
	if rivals := func(c *contestant) bool { return c.pair == f.iceoryx }; slices.ContainsFunc(f.all, rivals) {
		theirs, stop, err := startIceoryx(bin)
		if err != nil {
			r.leftOut = append(r.leftOut, fmt.Sprintf("iceoryx: %v", err))
			f.all = slices.DeleteFunc(f.all, rivals)
		} else {
			*f.iceoryx = *theirs
			defer stop()
		}
	}
	return r.turns(f.all)
}

// add adds a contestant; ring is in MiB, 0 where there is none.
func (f *field) add(kind, name string, ring int, way string, t task) {
	row := &results.Row{Task: name, Way: way, Kind: kind}
	if ring > 0 {
		row.Ring = fmt.Sprintf("%d MiB", ring)
	}
	c := &contestant{row: row, task: t, slice: slice}
	switch kind {
	case results.Ours:
		c.pair, c.task.Key = f.ours, f.keys[ring]
	case results.Limit:
		c.pair, c.task.Ring = f.limits, ring*mib
	case results.Rival:
		c.pair = f.iceoryx
	}
	f.all = append(f.all, c)
}

const iceoryxName = "iceoryx 2.0.3"

// pings are frames that are filled in place, published, and viewed by the other side, who
// answers likewise.
func (f *field) pings() {
	f.add(results.Limit, "line", 0, "limit: bare word", task{Do: "line"})
	f.add(results.Limit, "ping 64 B", 0, "limit: beside a word", task{Do: "ping", Size: 64, Touch: touchAll})
	small := task{Do: "ping", Topic: "p", Size: 64, Touch: touchAll, Spin: -1}
	f.add(results.Ours, "ping 64 B", 8, "", small)
	small.Topic, small.Verify = "v", true
	f.add(results.Ours, "ping 64 B", 8, "verified", small)
	small.Way = "copy"
	f.add(results.Ours, "ping 64 B", 8, "published as a copy, verified", small)
	f.add(results.Rival, "ping 64 B", 0, iceoryxName, task{Do: "ping", Size: 64, Touch: touchAll})
	for _, p := range []struct {
		name  string
		size  int
		touch string
		rings []int
	}{
		{"ping 1 MiB, ends touched", mib, touchEnds, []int{8}},
		{"ping 1 MiB, every line touched", mib, touchLines, []int{8}},
		{"ping 4 MiB, every line touched", 4 * mib, touchLines, []int{16, 64}},
	} {
		for _, ring := range p.rings {
			f.add(results.Limit, p.name, ring, "limit: bare C", task{Do: "ping", Size: p.size, Touch: p.touch})
			f.add(results.Ours, p.name, ring, "", task{Do: "ping", Topic: "p", Size: p.size, Touch: p.touch, Spin: -1})
		}
		f.add(results.Rival, p.name, 0, iceoryxName, task{Do: "ping", Size: p.size, Touch: p.touch})
	}
	f.add(results.Limit, "ping 64 B, asleep", 0, "limit: bare futex", task{Do: "futex", Window: int(asleep)})
	f.add(results.Ours, "ping 64 B, asleep", 8, "", task{Do: "ping", Topic: "s", Size: 64, Touch: touchAll, Think: asleep})
}

// streams are copies in and out, the writer no more than a window ahead.
func (f *field) streams(name string, size, window int, rings ...int) {
	name = fmt.Sprintf("stream %s, %d ahead", name, window)
	for _, ring := range rings {
		if ring*mib/size < window { // as many frames do not fit
			continue
		}
		t := task{Do: "stream", Size: size, Window: window}
		for _, w := range []struct{ way, what string }{
			{"libc", "limit: memcpy of libc"}, {"cached", "limit: cached stores"},
			{"streaming", "limit: streaming stores in"}, {"round", "limit: streaming stores in and out"},
		} {
			t.Way = w.way
			f.add(results.Limit, name, ring, w.what, t)
		}
		t.Way, t.Topic, t.Spin = "", "f", -1
		if ring == 64 {
			f.add(results.Ours, name, ring, "", t)
		}
		t.Verify = true
		f.add(results.Ours, name, ring, "verified", t)
		if ring == 16 { // what is learnt there, beside the two that can be
			for _, t.Stores = range []string{"streaming", "cached"} {
				f.add(results.Ours, name, ring, "verified, "+t.Stores+" stores", t)
			}
		}
	}
	f.add(results.Rival, name, 0, iceoryxName, task{Do: "stream", Size: size, Window: window})
}

// views look at one frame in place again and again; the limit reads all its bytes once.
func (f *field) views() {
	for _, v := range []struct {
		name string
		size int
	}{{"64 KiB", 64 << 10}, {"1 MiB", mib}, {"1080p", hd}, {"4K", uhd}} {
		t := task{Do: "view", Size: v.size, Touch: touchEnds, Topic: "u"}
		f.add(results.Ours, "view "+v.name, 256, "", t)
		t.Topic, t.Verify = "w", true
		f.add(results.Limit, "view "+v.name+", verified", 256, "limit: every word read", t)
		f.add(results.Ours, "view "+v.name+", verified", 256, "", t)
	}
}

// twoWays says that a task's count is of round trips.
func (t task) twoWays() bool { return t.Do == "ping" || t.Do == "line" || t.Do == "futex" }
