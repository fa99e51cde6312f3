package main

import (
	"regexp"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
	"github.com/core-framebuffer/framebuffer/bench/internal/results"
)

// run is one run: what it measures, how long, and what it found.
type run struct {
	rounds  int
	until   time.Time // no further round begins then
	match   *regexp.Regexp
	pairs   [][2]int // of cores, which rounds take in turn
	prober  *probe.Prober
	rows    []*results.Row
	leftOut []string // what cannot be measured here, and why
}

func newRun(rounds int, match *regexp.Regexp) (*run, error) {
	prober, err := probe.New()
	return &run{rounds: rounds, match: match, pairs: machine.Pairs(), prober: prober}, err
}
