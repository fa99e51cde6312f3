// Package probe measures how long a cache line takes from one core to another, and finds from
// that where a virtual machine's host has put the two: near, far, or moved in between.
package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
	"github.com/core-framebuffer/framebuffer/bench/internal/samples"
)

const (
	lasts = 10 * time.Millisecond
	batch = 64 // round trips that are timed together
)

// Prober is a process with two threads, each on a core of its own, that sleep between probes.
type Prober struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// command is what this program is called with to be a prober.
const command = "probe-lines"

// New starts this program once more; its main asks Serves first.
func New() (*Prober, error) {
	cmd := exec.Command("/proc/self/exe", command)
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &Prober{cmd, in, bufio.NewReader(out)}, machine.Start(cmd)
}

// Close ends the process.
func (p *Prober) Close() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

// Line returns the nanoseconds that a cache line takes one way between two cores: the median of
// what round trips took for some ten milliseconds. On a single core it returns 0.
func (p *Prober) Line(cores [2]int) (ns float64, err error) {
	if cores[0] == cores[1] {
		return 0, nil
	}
	if _, err := fmt.Fprintln(p.in, cores[0], cores[1]); err != nil {
		return 0, err
	}
	_, err = fmt.Fscanln(p.out, &ns)
	return ns, err
}

// Serves reports whether this process is a prober, and is one until it is told to end.
func Serves() bool {
	if len(os.Args) != 2 || os.Args[1] != command {
		return false
	}
	t := &threads{cores: [2]int{-1, -1}}
	for side := range t.ask {
		t.ask[side], t.say[side] = make(chan int), make(chan int)
		go t.play(side)
	}
	for {
		if _, err := fmt.Fscanln(os.Stdin, &t.cores[0], &t.cores[1]); err != nil {
			return true // the input has ended
		}
		for _, ask := range t.ask {
			ask <- 1
		}
		for _, say := range t.say {
			<-say
		}
		fmt.Println(samples.Quantile(t.times, 0.5) / (2 * batch))
	}
}

// threads bounce a number.
type threads struct {
	_        [64]byte
	there    atomic.Uint64
	_        [504]byte // CPUs prefetch lines in pairs
	back     atomic.Uint64
	_        [504]byte
	ask, say [2]chan int
	cores    [2]int
	times    []float64
}

// play is what a thread does.
func (t *threads) play(side int) {
	runtime.LockOSThread()
	on := -1
	for range t.ask[side] {
		if core := t.cores[side]; core != on {
			var set unix.CPUSet
			set.Set(core)
			_ = unix.SchedSetaffinity(0, &set) // without it the probe says what it sees
			machine.Urge(unix.Gettid())
			on = core
		}
		if side == 0 {
			t.serve()
		} else {
			t.answer()
		}
		t.say[side] <- 1
	}
}

const end = 1 << 63

// serve sends numbers and waits for each to come back; end is the last.
func (t *threads) serve() {
	t.times = t.times[:0]
	i := uint64(0)
	round := func(v uint64) {
		t.there.Store(v)
		for t.back.Load() != v {
		}
	}
	i++
	round(i) // both are here
	for until := time.Now().Add(lasts); ; {
		start := time.Now()
		for range batch {
			i++
			round(i)
		}
		now := time.Now()
		t.times = append(t.times, float64(now.Sub(start).Nanoseconds()))
		if now.After(until) {
			break
		}
	}
	round(end)
}

func (t *threads) answer() {
	for last := t.back.Load(); ; {
		v := t.there.Load()
		if v == last {
			continue
		}
		last = v
		t.back.Store(v)
		if v == end {
			return
		}
	}
}
