package topic_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// frameOf is the frame number n of a publisher: its bytes follow from the two, so that
// readers can tell right ones without a checksum.
func frameOf(publisher, n uint64, size int) []byte {
	data := make([]byte, max(size, 16))
	binary.LittleEndian.PutUint64(data, publisher)
	binary.LittleEndian.PutUint64(data[8:], n)
	rnd := rand.NewPCG(publisher, n)
	for i := 16; i+8 <= len(data); i += 8 {
		binary.LittleEndian.PutUint64(data[i:], rnd.Uint64())
	}
	return data
}

// rolePublish: KEY TOPIC PUBLISHER COUNT MOST; publishes frames of up to MOST bytes, COUNT of
// them or, if that is 0, until it is killed. -> how many
func rolePublish(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer client.Close()
	pub, err := topic.NewPublisher(client, c.Args[1])
	if err != nil {
		return err
	}
	id, err1 := strconv.ParseUint(c.Args[2], 10, 64)
	count, err2 := strconv.ParseUint(c.Args[3], 10, 64)
	most, err3 := strconv.Atoi(c.Args[4])
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	if err := c.Send(0); err != nil {
		return err
	}
	for n := uint64(0); n < count || count == 0; {
		_, err := pub.Publish(frameOf(id, n, rand.IntN(most)), &topic.Meta{User: []byte{byte(n)}})
		if errors.Is(err, framebuffer.ErrTimeout) {
			continue // stopped for a lap of a small ring: the frame was not published
		}
		if err != nil {
			return err
		}
		n++
	}
	return errors.Join(c.Send(count), c.Park())
}

// seen is what a subscriber tells at the end of the topic.
type seen struct {
	Received, Lost, Timeouts, Wrong, Disorder uint64
	Sequences                                 []uint64 // of a group's members
}

// roleSubscribe: KEY TOPIC GROUP SPIN; reads to the end of the topic. -> "" when subscribed, seen
func roleSubscribe(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer client.Close()
	spin, err := time.ParseDuration(c.Args[3])
	if err != nil {
		return err
	}
	sub, err := topic.Subscribe(client, c.Args[1], &topic.SubscribeOptions{Group: c.Args[2], Spin: spin})
	if err != nil {
		return err
	}
	if err := c.Send(""); err != nil {
		return err
	}
	var s seen
	last := map[uint64]uint64{}
	expect := uint64(0)
	for m, err := range sub.Frames(context.Background()) {
		if err != nil {
			return err
		}
		s.Received++
		s.Lost += m.Lost
		if c.Args[2] != "" {
			s.Sequences = append(s.Sequences, m.Sequence)
		} else if m.Sequence != expect+m.Lost {
			s.Disorder++
		}
		expect = m.Sequence + 1
		data, err := client.Get(m.Frame)
		if errors.Is(err, framebuffer.ErrTimeout) {
			s.Timeouts++
			continue
		}
		if err != nil {
			return err
		}
		id, n := binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:])
		if !bytes.Equal(data, frameOf(id, n, len(data))) || len(m.Meta.User) != 1 || m.Meta.User[0] != byte(n) {
			s.Wrong++
		}
		if before, ok := last[id]; ok && n <= before {
			s.Disorder++
		}
		last[id] = n
	}
	s.Lost += sub.Lost() - s.Lost // lost after the last frame that was still there
	return c.Send(s)
}

// Several publishers and subscribers, awake and asleep and in groups, on a ring and a queue
// that are small: every frame is received or counted as lost, once, in order, and what is
// read is what was published.
func TestEveryFrameIsCounted(t *testing.T) {
	for name, ring := range map[string]int64{"roomy": 16 << 20, "tight": 256 << 10} {
		t.Run(name, func(t *testing.T) {
			_, c := serve(t, ring, &framebuffer.ServerOptions{TopicDepth: 64})
			const publishers, each = 3, 4000
			var alone, group []*testproc.Proc
			for _, spin := range []string{"0s", "20us", "1ms"} {
				alone = append(alone, testproc.Start(t, "subscribe", c.Key(), "x", "", spin))
				group = append(group, testproc.Start(t, "subscribe", c.Key(), "x", "workers", spin))
			}
			var ready string
			for i := range alone {
				alone[i].Recv(&ready)
				group[i].Recv(&ready)
			}
			var pubs []*testproc.Proc
			for i := range publishers {
				pubs = append(pubs, testproc.Start(t, "publish", c.Key(), "x", strconv.Itoa(i+1), strconv.Itoa(each), "3000"))
			}
			for _, p := range pubs {
				var n int
				p.Recv(&n)
				p.Recv(&n)
			}
			infos, err := monitor.Topics(c)
			if err != nil || len(infos) != 1 || infos[0].Published != publishers*each || len(infos[0].Groups) != 1 {
				t.Errorf("listed %+v, %v", infos, err)
			}
			if err := publisher(t, c, "x").End(); err != nil {
				t.Fatal(err)
			}
			for i, p := range alone {
				var s seen
				p.Recv(&s)
				t.Logf("alone: received %d, lost %d, timeouts %d", s.Received, s.Lost, s.Timeouts)
				if s.Received+s.Lost != publishers*each || s.Wrong != 0 || s.Disorder != 0 {
					t.Errorf("subscriber %d: %+v", i, s)
				}
			}
			got, lost := map[uint64]bool{}, uint64(0)
			for i, p := range group {
				var s seen
				p.Recv(&s)
				t.Logf("in the group: received %d, lost %d, timeouts %d", s.Received, s.Lost, s.Timeouts)
				for _, n := range s.Sequences {
					if got[n] {
						t.Errorf("frame %d was given to two members", n)
					}
					got[n] = true
				}
				lost += s.Lost
				if s.Wrong != 0 {
					t.Errorf("member %d: %d wrong", i, s.Wrong)
				}
			}
			if uint64(len(got))+lost != publishers*each {
				t.Errorf("the group received %d and lost %d of %d", len(got), lost, publishers*each)
			}
		})
	}
}

// Publishers and subscribers are killed at random instants, again and again. Those that
// live go on: their frames arrive, in order, and none is wrong.
func TestKillPublishersAndSubscribers(t *testing.T) {
	_, c := serve(t, 4<<20, &framebuffer.ServerOptions{TopicDepth: 16})
	witness := subscribe(t, c, "x", nil)
	pub := publisher(t, c, "x")
	rnd := rand.New(rand.NewPCG(1, 2))
	kills := 40
	if testing.Short() {
		kills = 5
	}
	var noise [2]*testproc.Proc
	for i := range kills {
		for j := range noise {
			noise[j] = testproc.Start(t, "publish", c.Key(), "x", strconv.Itoa(i+2), "0", "2000")
		}
		sleeper := testproc.Start(t, "subscribe", c.Key(), "x", "", "0s")
		member := testproc.Start(t, "subscribe", c.Key(), "x", fmt.Sprint("group", i%3), "10us")
		var n int
		var ready string
		noise[0].Recv(&n)
		noise[1].Recv(&n)
		sleeper.Recv(&ready)
		member.Recv(&ready)
		for range rnd.IntN(2000) {
			next(t, witness)
		}
		for _, p := range []*testproc.Proc{noise[0], sleeper, noise[1], member} {
			p.Kill()
		}
		// All is quiet: the living must find their own frame, whatever the dead left half done.
		mine := publish(t, pub, string(frameOf(1, uint64(i), 100)))
		for {
			m := next(t, witness)
			data, err := c.Get(m.Frame)
			if err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
				t.Fatal(err)
			}
			if err == nil && !bytes.Equal(data, frameOf(binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:]), len(data))) {
				t.Fatal("wrong bytes")
			}
			if m.Sequence == mine.Sequence {
				break
			}
		}
	}
}
