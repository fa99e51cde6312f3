package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
	"github.com/core-framebuffer/framebuffer/bench/internal/results"
)

// size is one size of frame.
type size struct {
	Name  string
	Bytes int
}

func sizes() []size {
	return []size{{"64 B", 64}, {"4 KiB", 4 << 10}, {"64 KiB", 64 << 10}, {"1 MiB", 1 << 20}, {"1080p RGB", 6220800}, {"4K RGB", maxFrame}}
}

// batch is how long one measurement shall take, about.
const batch = 60 * time.Millisecond

// lap is how many of the largest frames go once round the rings.
const lap = 512<<20/maxFrame + 1

// measure runs all rivals side by side: each round takes every rival at every size once, so
// that a noisy neighbour or a throttled clock hits all alike. Each first warms up: what the
// others did meanwhile took caches from it, and on virtual machines page tables. A probe stands
// before and after each turn.
func measure(all []rival, rounds int, until time.Time) (rows []*results.Row, leftOut []string, err error) {
	var running []*contestant
	daemons := map[string]error{} // by command: nil if it runs
	cores := machine.Pairs()[0]
	for _, r := range all {
		if r.helper != nil {
			name := r.helper[0]
			if _, tried := daemons[name]; !tried {
				stop, err := startDaemon(r.helper)
				if daemons[name] = err; err == nil {
					defer stop()
				}
			}
			if err := daemons[name]; err != nil {
				leftOut = append(leftOut, fmt.Sprintf("%s: %v", r.Name, err))
				continue
			}
		}
		c, err := start(r, cores)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", r.Name, err)
		}
		defer c.stop()
		running = append(running, c)
	}
	for _, s := range sizes() {
		for _, c := range running {
			c.rows[s.Bytes] = &results.Row{Task: "hand over " + s.Name, Way: c.rival.Name, Kind: c.rival.kind()}
			rows = append(rows, c.rows[s.Bytes])
		}
	}
	prober, err := probe.New()
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, prober.Close()) }()
	for round := -1; round < rounds && (round < 1 || time.Now().Before(until)); round++ { // the first is to warm up and to find counts
		for _, c := range running {
			if err := c.warm(); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", c.rival.Name, err)
			}
			before, err := prober.Line(cores)
			if err != nil {
				return nil, nil, err
			}
			for _, s := range sizes() {
				ns, err := c.hand(s.Bytes)
				if err != nil {
					return nil, nil, fmt.Errorf("%s, %s: %w", c.rival.Name, s.Name, err)
				}
				after, err := prober.Line(cores)
				if err != nil {
					return nil, nil, err
				}
				if round >= 0 {
					row := c.rows[s.Bytes]
					row.Turns = append(row.Turns, results.NewTurn(float64(ns), before, after))
				}
				before = after
			}
		}
		log.Printf("round %d of %d", round+1, rounds)
	}
	return rows, leftOut, nil
}

// contestant is a rival's running writer.
type contestant struct {
	rival  rival
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	counts map[int]int
	rows   map[int]*results.Row
}

// start runs a rival's writer, which starts its reader, on those two cores.
func start(r rival, cores [2]int) (*contestant, error) {
	cmd := exec.Command(r.command[0], r.command[1:]...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := machine.StartOn(cmd, cores[:]...); err != nil {
		return nil, err
	}
	return &contestant{r, cmd, in, bufio.NewReader(out), map[int]int{}, map[int]*results.Row{}}, nil
}

func (c *contestant) stop() {
	_ = c.in.Close()
	if err := c.cmd.Wait(); err != nil {
		log.Printf("%s: %v", c.rival.Name, err)
	}
}

// warm goes once round the ring, or, who is slow, for four batches' time.
func (c *contestant) warm() error {
	count := lap
	if known := c.counts[maxFrame]; known > 0 {
		count = min(lap, max(2, 4*known))
	}
	_, err := c.ask(maxFrame, count)
	return err
}

// hand lets frames of one size be handed over and returns nanoseconds for one. How many fit
// the batch is found by trying at first.
func (c *contestant) hand(bytes int) (int64, error) {
	count, known := c.counts[bytes]
	if !known {
		for count = 4; ; count *= 4 { // warm: the first lap of a ring is not what is measured
			ns, err := c.ask(bytes, count)
			if err != nil {
				return 0, err
			}
			if time.Duration(ns) > batch/4 {
				c.counts[bytes] = max(2, int(int64(batch)*int64(count)/ns))
				return ns / int64(count), nil
			}
		}
	}
	ns, err := c.ask(bytes, count)
	return ns / int64(count), err
}

func (c *contestant) ask(bytes, count int) (int64, error) {
	if _, err := fmt.Fprintf(c.in, "%d %d\n", bytes, count); err != nil {
		return 0, err
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(line), 10, 64)
}

// startDaemon runs a rival's daemon until stop.
func startDaemon(args []string) (stop func(), err error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := machine.Start(cmd); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("%v ended before it was ready: %w", args, err)
		}
		if strings.Contains(line, "ready") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}, nil
}
