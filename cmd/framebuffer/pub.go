package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

type pubCmd struct {
	Topic       string    `arg:"" help:"Topic to publish to."`
	FrameSize   *byteSize `xor:"kind" help:"The input is frames of this many bytes, such as 6220800." placeholder:"BYTES"`
	Video       string    `xor:"kind" help:"The input is raw video, such as 1920x1080:rgb24." placeholder:"WxH:FORMAT"`
	MJPEG       bool      `name:"mjpeg" xor:"kind" help:"The input is concatenated JPEGs."`
	ContentType string    `help:"Media type of the frames, for subscribers (default: image/jpeg or video/raw if the flags say so)." placeholder:"TYPE"`
	Rate        float64   `help:"Publish at most this many frames a second." placeholder:"FPS"`
	Wait        int       `help:"Begin when there are this many subscriptions." placeholder:"N"`
	Keep        bool      `help:"Do not end the topic when the input ends: other programs publish to it too."`
	following
	reach
}

// Help is shown below the flags.
func (pubCmd) Help() string {
	return `Without --mjpeg, --video or --frame-size, all input is one frame. Publishers never
block: a subscription that falls behind loses frames and is told how many. When the input
ends, pub ends the topic, and sub ends too. A line on stderr says how many frames and
bytes were published, and how many frames were lost.

If the server ends, pub continues reading, counts the frames as lost, and publishes
again when the next server of that name or key file is there; with --key it exits.
With --mjpeg, pub finds the whole pictures of a damaged stream. It counts the others
as lost and exits with status 2.

  ffmpeg -re -i clip.mp4 -f rawvideo -pix_fmt rgb24 - |
    framebuffer pub cam --video 1920x1080:rgb24
  ffmpeg -i /dev/video0 -f mjpeg - | framebuffer pub cam --mjpeg`
}

// Run publishes until the input ends or a signal comes.
func (c *pubCmd) Run(e *env) (err error) {
	if c.Rate < 0 || c.Wait < 0 || math.IsNaN(c.Rate) {
		return fmt.Errorf("%w: --rate %v and --wait %d cannot be negative", errUsage, c.Rate, c.Wait)
	}
	if err := c.Key.notBesideData(); err != nil {
		return err
	}
	chain, err := c.chain(e, "framebuffer pub "+c.Topic, c.following)
	if err != nil {
		return unlessSignalled(err)
	}
	defer chain.Close()
	done := sent{start: time.Now(), lost: losses{env: e}}
	defer func() { e.total(done.totals(c.Topic)) }() // however pub ends from here
	ctx, stop := context.WithCancelCause(e.ctx)
	defer stop(nil)
	go watchServers(ctx, chain, stop)
	in := newInput(ctx, e.in.File)
	from, err := c.source(e, in, chain)
	if err != nil {
		return err
	}
	pub, err := chain.Publisher(c.Topic)
	if err != nil {
		return err
	}
	if !c.Keep {
		defer func() {
			if end := pub.End(); end != nil && err == nil {
				err = end
			}
		}()
	}
	if err := c.await(ctx, e, chain); err != nil {
		return ended(err)
	}
	return c.publish(e, pub, from, &done)
}

// await waits for the subscriptions of --wait. The topic directory has no notification, so await
// polls it.
func (c *pubCmd) await(ctx context.Context, e *env, chain *follow.Chain) error {
	var there atomic.Int64
	defer e.waitingFor(func() string {
		return fmt.Sprintf("%s to topic %q: %d of %d are there", many(c.Wait, "subscription"), c.Topic, there.Load(), c.Wait)
	})()
	for ; c.Wait > 0; time.Sleep(10 * time.Millisecond) {
		if err := over(ctx); err != nil {
			return err
		}
		ring := chain.Ring()
		if ring.Err() != nil { // the subscriptions continue with the next server, too
			continue
		}
		all, err := monitor.Topics(ring)
		if errors.Is(err, framebuffer.ErrClosed) {
			continue
		}
		if err != nil {
			return err
		}
		for _, t := range all {
			if t.Name != c.Topic {
				continue
			}
			if there.Store(int64(len(t.Subscribers))); len(t.Subscribers) >= c.Wait {
				return nil
			}
		}
	}
	return nil
}

// sent counts what pub published and lost.
type sent struct {
	start         time.Time
	frames, bytes uint64
	lost          losses
}

// totals returns the line that pub prints at its end.
func (s *sent) totals(name string) totals {
	return totals{
		command: "pub", name: name, topic: name, frames: s.frames, bytes: s.bytes,
		lost: s.lost.sum(), of: s.lost.of, start: s.start,
	}
}

// publish publishes the frames of a source until the input ends.
func (c *pubCmd) publish(e *env, pub *follow.Publisher, from source, done *sent) error {
	done.lost.pub = pub
	pace := limiter(c.Rate)
	var none error // why the last frame was lost, if there was no server for it
	for {
		if err := pace.Wait(e.ctx); err != nil {
			return ended(err)
		}
		f, meta, err := from.next(pub)
		if err == nil {
			if _, err = pub.PublishFrame(f, meta, time.Time{}); errors.Is(err, topic.ErrEnded) {
				return fmt.Errorf("%w: another publisher ended it: run that publisher with --keep", errEndedByOther)
			}
		}
		switch {
		case err == nil:
			done.frames++
			done.bytes += uint64(f.Size)
			none = nil
		case done.lost.count(err):
			if none = nil; errors.Is(err, framebuffer.ErrServerGone) {
				none = err
			}
		case errors.Is(err, io.EOF):
			return none
		default:
			return ended(err)
		}
	}
}

// watchServers cancels ctx with the cause noServer when the chain has ended for good, which neither
// reading input nor waiting for subscriptions would notice.
func watchServers(ctx context.Context, chain *follow.Chain, stop context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
	case <-chain.Done():
		stop(noServer{chain.Err()})
	}
}

// limiter admits fps frames a second, evenly spaced: a delay is not made up for by a burst.
func limiter(fps float64) *rate.Limiter {
	if fps == 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(fps), 1)
}

// errEndedByOther is distinct from topic.ErrEnded, which counts as a normal end.
var errEndedByOther = errors.New("the topic was ended before the input")

// ended returns nil if err is a normal end of a command: the end of the input or of the topic, or a
// signal.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
