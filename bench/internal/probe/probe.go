// Package probe measures how long a cache line takes from one core to another, and finds from
// that where a virtual machine's host has put the two: near, far, or moved in between.
package probe

import (
	"os"
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

// Prober is two threads of this process, each on a core of its own, that sleep between probes.
type Prober struct {
	_        [64]byte
	there    atomic.Uint64
	_        [504]byte // CPUs prefetch lines in pairs
	back     atomic.Uint64
	_        [504]byte
	ask, say [2]chan int
	cores    [2]int
	times    []float64
}

// New starts the threads.
func New() *Prober {
	p := &Prober{cores: [2]int{-1, -1}}
	for side := range p.ask {
		p.ask[side], p.say[side] = make(chan int), make(chan int)
		p.start(side)
		<-p.say[side]
	}
	return p
}

// start runs play on a thread that is not the process's first: that one stays as it is, since a
// process's cores are those of its first thread.
func (p *Prober) start(side int) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			p.start(side)
			<-p.say[side] // it has a thread, another than this
			runtime.UnlockOSThread()
			p.say[side] <- 1
			return
		}
		p.say[side] <- 1
		p.play(side)
	}()
}

// Close ends the threads.
func (p *Prober) Close() {
	for _, ask := range p.ask {
		close(ask)
	}
}

// Line returns the nanoseconds that a cache line takes one way between two cores: the median of
// what round trips took for some ten milliseconds. On a single core it returns 0.
func (p *Prober) Line(cores [2]int) float64 {
	if cores[0] == cores[1] {
		return 0
	}
	p.cores = cores
	for _, ask := range p.ask {
		ask <- 1
	}
	for _, say := range p.say {
		<-say
	}
	return samples.Quantile(p.times, 0.5) / (2 * batch)
}

// play is what a thread does. It is not unlocked, so that it ends with its goroutine.
func (p *Prober) play(side int) {
	on := -1
	for range p.ask[side] {
		if core := p.cores[side]; core != on {
			var set unix.CPUSet
			set.Set(core)
			_ = unix.SchedSetaffinity(0, &set) // without it the probe says what it sees
			machine.Urge(unix.Gettid())
			on = core
		}
		if side == 0 {
			p.serve()
		} else {
			p.answer()
		}
		p.say[side] <- 1
	}
}

const end = 1 << 63

// serve sends numbers and waits for each to come back; end is the last.
func (p *Prober) serve() {
	p.times = p.times[:0]
	i := uint64(0)
	round := func(v uint64) {
		p.there.Store(v)
		for p.back.Load() != v {
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
		p.times = append(p.times, float64(now.Sub(start).Nanoseconds()))
		if now.After(until) {
			break
		}
	}
	round(end)
}

func (p *Prober) answer() {
	for last := p.back.Load(); ; {
		v := p.there.Load()
		if v == last {
			continue
		}
		last = v
		p.back.Store(v)
		if v == end {
			return
		}
	}
}
