package main

import (
	"fmt"
	"math"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/results"
)

// contestant is one that takes its turn in every round.
type contestant struct {
	row   *results.Row
	pair  *pair
	task  task
	slice time.Duration // about how long one turn takes
	lost  bool          // whether the share of frames that were lost is noted too
}

// ask has the contestant do count.
func (c *contestant) ask(count int) (answer, error) {
	t := c.task
	t.Count = count
	left, right, err := c.pair.run(t)
	left.got, left.lost = right.got, right.lost
	return left, err
}

// turns has all take turns, each for its slice of time and with a probe before and after, and
// notes nanoseconds for one. Rounds take the pairs of cores in turn.
func (r *run) turns(all []*contestant) error {
	players := map[*pair]bool{}
	for _, c := range all {
		r.rows = append(r.rows, c.row)
		players[c.pair] = true
	}
	for round := -1; round < r.rounds && (round < 1 || time.Now().Before(r.until)); round++ {
		cores := r.pairs[max(round, 0)%len(r.pairs)]
		for p := range players {
			p.pin(cores)
		}
		if round < 0 {
			for _, c := range all {
				if err := c.find(); err != nil {
					return err
				}
			}
			continue
		}
		before, err := r.prober.Line(cores)
		if err != nil {
			return err
		}
		for i := range all {
			c := all[(i+round)%len(all)]
			ns, err := c.turn()
			if err != nil {
				return err
			}
			after, err := r.prober.Line(cores)
			if err != nil {
				return err
			}
			c.row.Turns = append(c.row.Turns, results.NewTurn(ns, before, after))
			before = after
		}
	}
	return nil
}

// find warms up and finds how many fit a slice of time: the first lap of a ring is not what is
// measured.
func (c *contestant) find() error {
	for count := max(4, 16*c.task.Topics); ; count *= 4 {
		a, err := c.ask(count)
		if err != nil {
			return fmt.Errorf("%s: %w", c.row.Name(), err)
		}
		if time.Duration(a.ns) > c.slice/4 {
			c.task.Count = max(2, int(int64(c.slice)*int64(count)/a.ns))
			return nil
		}
	}
}

// turn returns nanoseconds for one.
func (c *contestant) turn() (float64, error) {
	a, err := c.ask(c.task.Count)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.row.Name(), err)
	}
	if c.lost {
		c.row.Lost = append(c.row.Lost, math.Round(1e4*float64(a.lost)/float64(max(1, a.got+a.lost)))/1e4)
	}
	each := float64(c.task.Count)
	if c.task.twoWays() {
		each *= 2
	}
	return float64(a.ns) / each, nil
}
