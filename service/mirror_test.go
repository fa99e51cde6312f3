package service_test

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Thousands of frames arrive with their numbers, times, metadata and bytes; none is lost where
// there is time for each.
func TestMirrorCopiesATopic(t *testing.T) {
	const most, batch, batches = 60 << 10, 50, 40
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 8<<20)
	c := startMirror(t, url, 8<<20, most, remote.MirrorOptions{Topic: "cam/1", From: "owner"})
	o.Do(natstest.Order{Topic: "cam/1"})
	c.runs(t, "")
	for i := range uint64(batches) {
		o.Do(natstest.Order{Topic: "cam/1", Put: most, Count: batch, Seed: batch * i})
		for range batch {
			c.take(t, 0)
		}
	}
	c.counts(t, func(s remote.MirrorStats) bool {
		return s.Frames == batch*batches && s.Lost+s.LeftOut+s.Refused == 0 && c.lost == 0 && s.Starts == 1 && s.Host == "owner"
	})
}

// What was published before a mirror found the topic it was waiting for comes too.
func TestMirrorBeforeItsTopic(t *testing.T) {
	const most, count = 1000, 50
	for _, from := range []string{"owner", remote.AnyHost} {
		url := natstest.OwnNATS(t)
		o := natstest.StartOwner(t, url, 1<<20)
		c := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: from})
		c.counts(t, func(s remote.MirrorStats) bool { return s.State == "looking" && s.Why != "" })
		o.Do(natstest.Order{Topic: "cam", Put: most, Count: count})
		for range count {
			c.take(t, 0)
		}
		c.counts(t, func(s remote.MirrorStats) bool { return s.Frames == count && s.Lost == 0 && c.lost == 0 })
	}
}

// Of a topic that is too fast for its mirror each frame arrives whole, or is counted as lost;
// the publisher does not wait.
func TestMirrorIsTooSlow(t *testing.T) {
	const most, count = 200 << 10, 300
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 2<<20)
	c := startMirror(t, url, 64<<20, most, remote.MirrorOptions{Topic: "cam", Window: 64 << 10})
	o.Do(natstest.Order{Topic: "cam"})
	c.runs(t, "")
	published := make(chan struct{})
	go func() {
		defer close(published)
		o.Do(natstest.Order{Topic: "cam", Put: most, Count: count, End: true})
	}()
	taken, first, last := uint64(0), uint64(0), uint64(0)
	for {
		m, err := c.sub.Next(natstest.Within(t))
		if errors.Is(err, topic.ErrEnded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if taken++; taken == 1 {
			first = m.Sequence
		}
		last = m.Sequence
		if data, err := c.ring.Get(m.Frame); err == nil && !bytes.Equal(data, natstest.Content(m.Sequence, natstest.SizeOf(m.Sequence, most))) {
			t.Fatalf("number %d: other bytes", m.Sequence)
		}
	}
	<-published
	t.Logf("%+v", c.Stats())
	c.counts(t, func(s remote.MirrorStats) bool {
		all := s.Frames + s.Lost + s.Refused // each frame is one of these, also one that came in part
		return s.Frames > 0 && s.Lost > 0 && all <= count && all >= last-first+1 && taken <= s.Frames
	})
}

// A host that comes back with a new ring is found, and the numbers of the copy go on.
func TestMirrorOfANewRing(t *testing.T) {
	const most = 10_000
	url := natstest.OwnNATS(t)
	c := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: "owner"})
	id, base := "", uint64(0)
	for range 2 {
		o := natstest.StartOwner(t, url, 1<<20)
		o.Do(natstest.Order{Topic: "cam"})
		c.runs(t, id)
		id = c.Stats().ID
		o.Do(natstest.Order{Topic: "cam", Put: most, Count: 20})
		for range 20 {
			c.take(t, base)
		}
		base += 20
		o.Kill()
	}
	c.counts(t, func(s remote.MirrorStats) bool { return s.Frames == 40 && s.Lost == 0 && s.Starts == 2 && c.lost == 0 })
}

// A copy can be copied, an end travels and so does what comes after it, and only what is
// wanted comes.
func TestMirrorsOfMirrors(t *testing.T) {
	const most = 10_000
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 1<<20)
	o.Do(natstest.Order{Topic: "cam"})
	second, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t), Host: "second", Mirrors: []remote.MirrorOptions{{Topic: "cam", From: "owner"}}})
	running := func(host string) {
		t.Helper()
		nc := natstest.Dial(t, service.Options{URL: url})
		natstest.Eventually(t, "the server's mirror runs", func() error {
			all, err := remote.Hosts(natstest.Within(t), nc)
			for _, h := range all {
				if h.Host == host && len(h.Mirrors) == 1 && h.Mirrors[0].State == "running" {
					return nil
				}
			}
			return fmt.Errorf("%+v, %w", all, errors.Join(err, errors.New("not yet")))
		})
	}
	running("second")
	c := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: "second"})
	c.runs(t, "")
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: 10, End: true})
	for range 10 {
		c.take(t, 0)
	}
	if m, err := c.sub.Next(natstest.Within(t)); !errors.Is(err, topic.ErrEnded) {
		t.Errorf("%+v, %v", m, err)
	}
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: 10, Seed: 10})
	c.reopens = true
	for range 10 {
		c.take(t, 0)
	}
	if st := second.Stats(); st.Total.Writes != 20 {
		t.Errorf("written %d times", st.Total.Writes)
	}
}

// Every and Rate leave frames out, which are not lost; with OnDemand nothing comes while
// nobody subscribes.
func TestMirrorLeavesOut(t *testing.T) {
	const most = 1000
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 1<<20)
	o.Do(natstest.Order{Topic: "cam"})
	tenth := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", Every: 10})
	rare := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", Rate: 1e-6})
	demand := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", OnDemand: true})
	for _, c := range []*copied{tenth, rare, demand} {
		c.runs(t, "")
	}
	if err := demand.sub.Close(); err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "nobody wants it", func() error {
		if s := demand.Stats(); s.State != "waiting" {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: 101})
	for i := range uint64(11) {
		if m := tenth.take(t, 0); m.Sequence != 10*i {
			t.Errorf("number %d", m.Sequence)
		}
	}
	if m := rare.take(t, 0); m.Sequence != 0 {
		t.Errorf("number %d", m.Sequence)
	}
	tenth.counts(t, func(s remote.MirrorStats) bool { return s.LeftOut == 90 && s.Lost == 0 && s.Frames == 11 })
	rare.counts(t, func(s remote.MirrorStats) bool { return s.Lost == 0 && s.Frames == 1 })
	if s := demand.Stats(); s.Frames != 0 {
		t.Errorf("%+v", s)
	}
}

// A topic that is wanted again goes on with what comes next: what nobody wanted is not lost.
func TestMirrorIsWantedAgain(t *testing.T) {
	for _, before := range []int{0, 10} { // frames that came when it was wanted first
		t.Run(strconv.Itoa(before), func(t *testing.T) { testMirrorIsWantedAgain(t, before) })
	}
}

func testMirrorIsWantedAgain(t *testing.T, before int) {
	const most, unwanted, again = 1000, 20, 5
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 1<<20)
	c := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", OnDemand: true})
	c.counts(t, func(s remote.MirrorStats) bool { return s.State == "looking" && s.Why != "" }) // older than its topic
	o.Do(natstest.Order{Topic: "cam"})
	c.runs(t, "")
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: before})
	for range before {
		c.take(t, 0)
	}
	if err := c.sub.Close(); err != nil {
		t.Fatal(err)
	}
	c.counts(t, func(s remote.MirrorStats) bool { return s.State == "waiting" })
	first := uint64(before + unwanted)
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: unwanted, Seed: uint64(before)})
	var err error
	if c.sub, err = topic.Subscribe(c.ring, "cam", nil); err != nil {
		t.Fatal(err)
	}
	c.runs(t, "")
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: again, Seed: first})
	for i := range uint64(again) {
		if m := c.take(t, 0); m.Sequence != first+i {
			t.Errorf("number %d", m.Sequence)
		}
	}
	c.counts(t, func(s remote.MirrorStats) bool {
		return s.Lost == 0 && s.Frames == uint64(before+again) && s.Starts == 2
	})
}

// What cannot be is an error at once.
func TestMirrorRefuses(t *testing.T) {
	server, err := framebuffer.NewServer(1<<16, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ring, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	nc := natstest.Dial(t, service.Options{URL: natstest.OwnNATS(t)})
	for want, all := range map[error][]remote.MirrorOptions{
		topic.ErrBadName:       {{}, {Topic: "x", From: "a b"}, {Topic: "x", From: "*"}},
		framebuffer.ErrBadSize: {{Topic: "x", Every: -1}, {Topic: "x", Rate: -1}, {Topic: "x", Window: -1}},
	} {
		for _, opts := range all {
			if _, err := remote.NewMirror(nc, ring, &opts); !errors.Is(err, want) {
				t.Errorf("%+v: %v", opts, err)
			}
		}
	}
	m, err := remote.NewMirror(nc, ring, &remote.MirrorOptions{Topic: "x"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- m.Run(natstest.Within(t)) }()
	natstest.Eventually(t, "nobody has it", func() error {
		if s := m.Stats(); s.Why == "" {
			return errors.New("no reason")
		}
		return nil
	})
	if err := ring.Close(); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if err := <-done; err == nil {
		t.Error("it runs without a NATS")
	}
}
