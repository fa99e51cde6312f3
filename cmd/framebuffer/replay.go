package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/record"
)

type replayCmd struct {
	Recording string `arg:"" help:"Recording to publish; framebuffer recordings lists them."`
	Topic     string `help:"Topic to publish to (default: the recording's name, unless a topic of that name is in use)." placeholder:"TOPIC"`
	Speed     speed  `default:"1" help:"Speed relative to the original: a number, or max."`
	From      moment `help:"Begin at this time (2026-11-23T08:00:00Z, 08:00), this long after the beginning (10m), or this long before the end (--from=-5m)." placeholder:"TIME"`
	To        moment `help:"End at this time." placeholder:"TIME"`
	Loop      bool   `help:"Start over at the end, until a signal comes."`
	lookup
}

// Help is shown below the flags.
func (replayCmd) Help() string {
	return `The frames appear in a topic of this host as they were published: with the same
intervals, metadata and gaps. Each is verified before. In a new topic the sequence numbers
are the original ones; in an existing topic they continue its own. At the end, replay ends
the topic, and sub ends too. Frames that are damaged, incomplete or too large for this ring
are skipped, counted, and reported at the end.

  framebuffer replay monday --from 08:00 --to 08:10 --speed 2

At the end, a line on stderr says how many frames and bytes were published and how many
were lost; --json also prints all counters on stdout.`
}

// Run replays until the recording's end or a signal.
func (c *replayCmd) Run(e *env) error { return unlessSignalled(e.interrupted(c.play(e))) }

func (c *replayCmd) play(e *env) error {
	client, ring, err := c.both(e, "framebuffer replay "+c.Recording)
	if err != nil {
		return err
	}
	defer client.Close()
	defer ring.Close()
	if c.Topic == "" {
		if err := unused(ring, c.Recording); err != nil {
			return err
		}
	}
	opts := record.PlayerOptions{Recording: c.Recording, Topic: c.Topic, Speed: float64(c.Speed), Loop: c.Loop, Logger: e.log}
	if c.From != "" || c.To != "" {
		r, err := record.Find(e.ctx, client.NATS(), c.Recording)
		if err != nil {
			return err
		}
		if opts.From, err = c.From.in(r); err != nil {
			return err
		}
		if opts.To, err = c.To.in(r); err != nil {
			return err
		}
	}
	p, err := record.NewPlayer(e.ctx, client.NATS(), ring, &opts)
	if err != nil {
		return err
	}
	start := time.Now()
	err = p.Run(e.ctx)
	s := p.Stats()
	defer e.total(totals{
		command: "replay", name: s.Recording, topic: s.Topic, recording: s.Recording, frames: s.Frames, bytes: s.Bytes, lost: s.Damaged + s.Incomplete + s.Refused,
		of: []tally{{"damaged", s.Damaged}, {"incomplete", s.Incomplete}, {"refused", s.Refused}}, start: start,
	})
	if s.Damaged+s.Incomplete+s.Refused > 0 {
		e.log.Warn("frames of the recording were not published", "framebuffer.recording", s.Recording, "framebuffer.damaged", s.Damaged, "framebuffer.incomplete", s.Incomplete, "framebuffer.refused", s.Refused, "framebuffer.frames", s.Frames)
	}
	if e.json {
		err = errors.Join(err, e.print(s, ""))
	}
	return err
}

// unused returns an error if another program may be publishing to the topic, for a topic that the
// user did not name.
func unused(ring *framebuffer.Client, name string) error {
	all, err := monitor.Topics(ring)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Name == name && t.Published > 0 && !t.Ended {
			return fmt.Errorf("%w: topic %q has frames here and has not ended, so another program may be publishing to it: name one with --topic", errUsage, name)
		}
	}
	return nil
}

// speed is a flag whose value is a number or max.
type speed float64

// UnmarshalText parses a speed.
func (s *speed) UnmarshalText(text []byte) error {
	if string(text) == "max" {
		*s = speed(math.Inf(1))
		return nil
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(string(text), "x"), 64)
	if err != nil || !(f > 0) || math.IsInf(f, 0) {
		return fmt.Errorf("%q is no speed: write a number above 0, such as 0.5 or 2, or max", text)
	}
	*s = speed(f)
	return nil
}

// moment is a flag whose value is a time, or a duration from a recording's beginning or, if
// negative, from its end.
type moment string

// in returns the time for that recording, or the zero time if the flag was not given.
func (m moment) in(r record.Recording) (time.Time, error) {
	if m == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(string(m)); err == nil {
		if strings.HasPrefix(string(m), "-") {
			return r.Last.Add(d), nil
		}
		return r.First.Add(d), nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, string(m), time.Local); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} { // on the day on which the recording begins
		if t, err := time.ParseInLocation(layout, string(m), time.Local); err == nil {
			d := r.First.Local()
			return time.Date(d.Year(), d.Month(), d.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.Local), nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %q is no time: write 2026-11-23T08:00:00Z, 08:00 of the day on which the recording begins, 10m from its beginning or -5m from its end", errUsage, string(m))
}
