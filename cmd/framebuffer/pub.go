package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/mjpeg"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/pixels"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

type pubCmd struct {
	Topic       string    `arg:"" help:"Topic to publish to."`
	FrameSize   *byteSize `xor:"kind" help:"Every frame has that many bytes, such as 6220800." placeholder:"BYTES"`
	Video       string    `xor:"kind" help:"Raw video, such as 1920x1080:rgb24." placeholder:"WxH:FORMAT"`
	MJPEG       bool      `name:"mjpeg" xor:"kind" help:"JPEGs, one behind the other."`
	ContentType string    `help:"What the frames are, for those who read them." placeholder:"TYPE"`
	Rate        float64   `help:"At most so many frames a second." placeholder:"FPS"`
	Wait        int       `help:"Begin when so many subscriptions are there." placeholder:"N"`
	Keep        bool      `help:"Leave the topic open at the end: others publish to it too."`
	following
	reach
}

// Help is shown below the flags.
func (pubCmd) Help() string {
	return `Publishes standard input, frame by frame; without a kind of frame, all of it is
one frame. It waits for no subscriber: those that fall behind lose frames, and
are told. At the end the topic is ended, and sub ends too; a line on stderr says
how many frames and bytes went in, and how many were lost. With --mjpeg whole
pictures are found in damaged streams too; what is lost is told, and the status
is 2 at the end. When the server ends, pub reads on, counts what comes as lost, and
goes on with the next server of that name or key file; with --key it ends.

  ffmpeg -re -i clip.mp4 -f rawvideo -pix_fmt rgb24 - |
    framebuffer pub cam --video 1920x1080:rgb24
  ffmpeg -i /dev/video0 -f mjpeg - | framebuffer pub cam --mjpeg`
}

// source is where frames come from. next puts one into the ring; it returns io.EOF at the end, and
// for a frame that is lost alone an error that losses knows. After such it may be called again: the
// input was read to the end of the frame.
type source interface {
	next(p *follow.Publisher) (framebuffer.Frame, *topic.Meta, error)
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
	defer func() { e.total(done.totals(c.Topic)) }() // however pub ends from here on
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

// source chooses by the kind of frame.
func (c *pubCmd) source(e *env, in io.Reader, chain *follow.Chain) (source, error) {
	client := chain.Ring()
	meta := &topic.Meta{ContentType: c.ContentType}
	sized := func(size int64) (*sizedSource, error) {
		if err := fits(client, int(min(size, math.MaxInt)), meta); err != nil {
			return nil, err
		}
		return &sizedSource{in: bufio.NewReader(in), size: int(size), meta: meta}, nil
	}
	switch {
	case c.MJPEG:
		if meta.ContentType == "" {
			meta.ContentType = "image/jpeg"
		}
		pictures := mjpeg.NewReader(in, mostPicture(client))
		pictures.LimitBy(func() int { return mostPicture(chain.Ring()) })
		return &jpegSource{in: pictures, meta: meta}, nil
	case c.Video != "":
		g, size, err := pixels.Parse(c.Video)
		if err != nil {
			return nil, err
		}
		if meta.ContentType == "" {
			meta.ContentType = "video/raw"
		}
		meta.Width, meta.Height, meta.Format = g.Width, g.Height, g.Format
		raw, err := sized(int64(size))
		if err != nil {
			return nil, err
		}
		raw.warn = func(what string) {
			e.log.Warn("the input begins like "+what+", and is published as raw video all the same", "framebuffer.topic", c.Topic)
		}
		return raw, nil
	case c.FrameSize != nil:
		if *c.FrameSize < 1 {
			return nil, fmt.Errorf("%w: --frame-size %d; a frame has at least 1 byte", errUsage, *c.FrameSize)
		}
		raw, err := sized(int64(*c.FrameSize))
		if err != nil {
			return nil, err
		}
		return raw, nil
	}
	return &wholeSource{in: in, most: mostOf(client), meta: meta}, nil
}

// await waits for subscriptions. The directory does not tell of newcomers, so it is looked at
// from time to time.
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
		if ring.Err() != nil { // its subscribers go on with the next one, too
			continue
		}
		all, err := topic.List(ring)
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

// sent is what went into the topic so far, and what did not.
type sent struct {
	start         time.Time
	frames, bytes uint64
	lost          losses
}

func (s *sent) totals(name string) totals {
	return totals{
		command: "pub", name: name, topic: name, frames: s.frames, bytes: s.bytes,
		lost: s.lost.sum(), of: s.lost.of, start: s.start,
	}
}

func (c *pubCmd) publish(e *env, pub *follow.Publisher, from source, done *sent) error {
	done.lost.pub = pub
	pace := limiter(c.Rate)
	var none error // of the last frame, if there was no server for it
	for {
		if err := pace.Wait(e.ctx); err != nil {
			return ended(err)
		}
		f, meta, err := from.next(pub)
		if err == nil {
			if _, err = pub.PublishFrame(f, meta, time.Time{}); errors.Is(err, topic.ErrEnded) {
				return fmt.Errorf("%w: another publisher ended it: run that one with --keep", errEndedByOther)
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

// watchServers stops what waits for input, or for subscriptions, when no other server comes:
// reading input and waiting do not tell of that.
func watchServers(ctx context.Context, chain *follow.Chain, stop context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
	case <-chain.Done():
		stop(noServer{chain.Err()})
	}
}

// limiter lets so many frames through in a second, evenly: what came late is not caught up.
func limiter(fps float64) *rate.Limiter {
	if fps == 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(fps), 1)
}

// errEndedByOther is not topic.ErrEnded, which is an end of input as well.
var errEndedByOther = errors.New("the topic was ended before the input was")

// ended is nil for ends that are as they should be: the input's, the topic's for those who
// read it, and a signal.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
