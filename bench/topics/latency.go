package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// contestant is one that takes its turn in every round.
type contestant struct {
	name  string
	pair  *pair
	task  task
	slice time.Duration // about how long one turn takes
	right bool          // whether the right side's time counts
}

// ask has the contestant do count and returns nanoseconds for all.
func (c *contestant) ask(count int) (int64, error) {
	t := c.task
	t.Count = count
	left, right, err := c.pair.run(t)
	if c.right {
		return right, err
	}
	return left, err
}

// turns has all take turns, each for its slice of time, and notes nanoseconds for one.
func turns(all []*contestant, rounds int, res *results) error {
	all = slices.DeleteFunc(all, func(c *contestant) bool { return !strings.Contains(c.name, res.match) })
	for _, c := range all {
		if c.task.Count > 0 {
			continue
		}
		for count := 4; ; count *= 4 { // warm: the first lap of a ring is not what is measured
			ns, err := c.ask(count)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if time.Duration(ns) > c.slice/4 {
				c.task.Count = max(2, int(int64(c.slice)*int64(count)/ns))
				break
			}
		}
	}
	for round := range rounds {
		for i := range all {
			c := all[(i+round)%len(all)]
			ns, err := c.ask(c.task.Count)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			res.add(c.name, float64(ns)/float64(c.task.Count))
		}
	}
	return nil
}

const (
	wideRing = 64 << 20
	hotRing  = 8 << 20
	tinyRing = 128 << 10
)

// measureLatency is half of a round trip between two processes that poll.
func measureLatency(bin string, res *results) (err error) {
	ours, err := startGo()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	theirs, stop := &pair{}, func() {}
	if strings.Contains("ping 64 B, iceoryx; ping 1 MiB ends, iceoryx; ping 1 MiB lines, iceoryx", res.match) {
		if theirs, stop, err = startIceoryx(bin); err != nil {
			return err
		}
	}
	defer func() { stop() }()
	var all []*contestant
	add := func(name string, p *pair, t task) {
		t.Do = strings.Fields(name)[0]
		all = append(all, &contestant{name: name, pair: p, task: t, slice: 3 * time.Millisecond})
	}
	keys := map[string]string{}
	for name, size := range map[string]int64{"64 MiB": wideRing, "8 MiB": hotRing, "128 KiB": tinyRing} {
		s, err := framebuffer.NewServer(size, nil)
		if err != nil {
			return err
		}
		defer s.Close()
		keys[name] = s.Key()
	}
	const big = 1 << 20
	add("line bare", ours, task{})
	add("line with 64 B", ours, task{Size: 64})
	for _, ring := range []string{"64 MiB", "8 MiB", "128 KiB"} {
		poll := task{Key: keys[ring], Topic: "p", Size: 64, Touch: touchAll, Spin: -1}
		add("ping 64 B, ring of "+ring, ours, poll)
		poll.Verify = true
		add("ping 64 B verified, ring of "+ring, ours, poll)
		poll.Way = "copy"
		add("ping 64 B published as a copy, verified, ring of "+ring, ours, poll)
		if ring == "128 KiB" {
			continue
		}
		for _, touch := range []string{touchEnds, touchLines} {
			add("ping 1 MiB "+touch+", ring of "+ring, ours, task{Key: keys[ring], Topic: "p", Size: big, Touch: touch, Spin: -1})
			add("ping 1 MiB "+touch+" verified, ring of "+ring, ours, task{Key: keys[ring], Topic: "p", Size: big, Touch: touch, Spin: -1, Verify: true})
		}
	}
	add("ping 64 B, iceoryx", theirs, task{Size: 64, Touch: touchAll})
	add("ping 1 MiB ends, iceoryx", theirs, task{Size: big, Touch: touchEnds})
	add("ping 1 MiB lines, iceoryx", theirs, task{Size: big, Touch: touchLines})
	return turns(all, res.Rounds, res)
}

// startIceoryx builds and starts the rival and its daemon.
func startIceoryx(bin string) (p *pair, stop func(), err error) {
	program := filepath.Join(bin, "iceoryx")
	if _, err := os.Stat(program); err != nil {
		cmd := exec.Command("g++", "-std=c++14", "-O3", "-I/usr/include/iceoryx/v2.0.3", "-o", program, "rivals/topics.cpp",
			"-liceoryx_posh", "-liceoryx_hoofs", "-liceoryx_platform")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, nil, fmt.Errorf("%v: %w (./setup installs what it needs)\n%s", cmd.Args, err, out)
		}
	}
	daemon := exec.Command("iox-roudi", "-l", "off", "-c", "rivals/roudi.toml")
	daemon.Stderr = os.Stderr
	out, err := daemon.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := daemon.Start(); err != nil {
		return nil, nil, err
	}
	end := func() {
		_ = daemon.Process.Signal(syscall.SIGTERM)
		_ = daemon.Wait()
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			end()
			return nil, nil, fmt.Errorf("iox-roudi ended before it was ready: %w", err)
		}
		if strings.Contains(line, "ready") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	p, err = startPair(sayWords, program, strconv.Itoa(os.Getpid()))
	if err != nil {
		end()
		return nil, nil, err
	}
	return p, func() {
		if err := p.stop(); err != nil {
			log.Print(err)
		}
		end()
	}, nil
}

// sayWords is for the player in C++.
func sayWords(t task) string {
	return fmt.Sprintf("%s %d %d %d %s", t.Do, t.Size, t.Count, max(t.Window, 1), cmp.Or(t.Touch, touchEnds))
}
