package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/topic"
)

type recordCmd struct {
	Topic     string        `arg:"" help:"Topic to record."`
	Recording string        `aliases:"bucket" help:"Name of the recording; an existing one is continued (default: the topic's name)." placeholder:"NAME"`
	From      string        `enum:"next,newest,oldest" default:"next" help:"First frame: next, newest, or oldest, which is the oldest in the ring."`
	MaxAge    time.Duration `help:"Delete older frames." placeholder:"24h"`
	MaxBytes  byteSize      `help:"Delete the oldest frames when the recording is larger." placeholder:"10GiB"`
	Every     int           `help:"Record every Nth frame." placeholder:"N"`
	Rate      float64       `help:"Record at most this many frames a second." placeholder:"FPS"`
	Duration  time.Duration `help:"Exit after this long." placeholder:"1h"`
	Replicas  int           `help:"Number of servers in a NATS cluster that store the recording (default 1)." placeholder:"N"`
	following
	lookup
}

// Help is shown below the flags.
func (recordCmd) Help() string {
	return `Stores frames in JetStream, with their sequence numbers, times and metadata, until the
topic ends or a signal comes. The publisher does not wait: frames that JetStream is too
slow for are lost to the recording, counted, and reported at the end. While NATS is away,
record waits, and continues with the frames that the ring still has. When the server ends,
it continues with the first frame of the next server of that name.

  framebuffer serve --jetstream ./streams

In another terminal:

  framebuffer record cam --recording monday --max-age 24h --max-bytes 10GiB
  framebuffer replay monday

Without --max-age and --max-bytes, a recording grows until JetStream is full. At the end,
a line on stderr says how many frames and bytes were recorded and how many were lost;
--json also prints all counters on stdout. Status 3 means that frames are missing, or that
none came.`
}

// Run records until the topic ends, --duration is over or a signal comes.
func (c *recordCmd) Run(e *env) error {
	if c.Duration < 0 || c.MaxAge < 0 {
		return fmt.Errorf("%w: --duration %v and --max-age %v cannot be negative", errUsage, c.Duration, c.MaxAge)
	}
	start := time.Now()
	var s record.RecorderStats
	during := *e // its context ends after --duration
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	during.ctx = ctx
	err := c.sessions(&during, "framebuffer record "+c.Topic, c.following, func(client *service.Client, ring *framebuffer.Client, first bool) error {
		from := topic.FromFirst
		if first {
			from = fromOf(c.From)
		}
		r, err := record.NewRecorder(ctx, client.NATS(), ring, &record.RecorderOptions{
			Topic: c.Topic, Recording: c.Recording, From: from, MaxAge: c.MaxAge, MaxBytes: int64(c.MaxBytes), Replicas: c.Replicas,
			Every: c.Every, Rate: c.Rate, Logger: e.log,
		})
		if err != nil {
			return cmp.Or(ring.Err(), err) // the NATS of a server that has ended does not answer
		}
		if first && c.Duration > 0 {
			time.AfterFunc(c.Duration, cancel)
		}
		came := e.waitingFor(func() string {
			if s := r.Stats(); s.State != "recording" || s.Frames+s.Lost+s.LeftOut+s.Refused == 0 {
				return cmp.Or(s.Why, fmt.Sprintf("a first frame in topic %q", c.Topic))
			}
			return ""
		})
		err = r.Run(ctx)
		came()
		one := r.Stats()
		one.Frames, one.Bytes = one.Frames+s.Frames, one.Bytes+s.Bytes
		one.Lost, one.LeftOut, one.Refused = one.Lost+s.Lost, one.LeftOut+s.LeftOut, one.Refused+s.Refused
		one.Trouble = cmp.Or(one.Trouble, s.Trouble)
		s = one
		return err
	})
	if s.Topic == "" { // the recording did not begin
		return err
	}
	defer e.total(totals{
		command: "record", name: s.Topic, topic: s.Topic, recording: s.Recording, frames: s.Frames, bytes: s.Bytes, lost: s.Lost + s.Refused,
		of: []tally{{"refused", s.Refused}}, leftOut: s.LeftOut, start: start,
	})
	if err == nil {
		err = c.missing(e, s)
	}
	if e.json {
		err = errors.Join(err, e.print(s, ""))
	}
	return err
}

// errMissing is the error for a recording that lacks frames.
var errMissing = errors.New("timeout: frames are not in the recording")

// missing returns an error if the recording lacks frames that should be in it, or has none at all.
// A recording without frames is no error if a signal came before the first one.
func (c *recordCmd) missing(e *env, s record.RecorderStats) error {
	interrupted := e.ctx.Err() != nil
	switch {
	case s.Lost+s.Refused > 0:
		why := "JetStream was too slow for them, or away: a longer ring (serve --size) bridges longer stalls"
		if s.Trouble != "" {
			why = s.Trouble
		}
		if s.Lost == 0 {
			why = "they are larger than --max-bytes"
		} else if s.Refused > 0 {
			why = fmt.Sprintf("%d are larger than --max-bytes; of the others: %s", s.Refused, why)
		}
		return fmt.Errorf("%w %q: %d of %d: %s", errMissing, s.Recording, s.Lost+s.Refused, s.Lost+s.Refused+s.Frames, why)
	case s.Frames > 0 || interrupted:
		return nil //nolint:nilerr // ending by a signal is normal
	case s.LeftOut > 0:
		return fmt.Errorf("%w: nothing was recorded: --every and --rate left out all %d frames of topic %q", errNoFrame, s.LeftOut, s.Topic)
	}
	return fmt.Errorf("%w: nothing was recorded: no frame came in topic %q: is that its name, and does a publisher run? framebuffer topics tells", errNoFrame, s.Topic)
}

// fromOf returns the value of --from for the commands that subscribe.
func fromOf(s string) topic.From {
	return map[string]topic.From{"next": topic.FromNext, "newest": topic.FromNewest, "oldest": topic.FromOldest}[s]
}
