package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/mjpeg"
	"github.com/core-framebuffer/framebuffer/internal/pixels"
	"github.com/core-framebuffer/framebuffer/topic"
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
	reach
}

// Help is shown below the flags.
func (pubCmd) Help() string {
	return `Publishes standard input, frame by frame; without a kind of frame, all of it is
one frame. Nobody is waited for: subscribers that fall behind lose frames, and
are told. At the end the topic is ended, and sub ends too; a line on stderr says
how many frames and bytes went in, and how many were lost.

  ffmpeg -re -i clip.mp4 -f rawvideo -pix_fmt rgb24 - |
    framebuffer pub cam --video 1920x1080:rgb24
  ffmpeg -i /dev/video0 -f mjpeg - | framebuffer pub cam --mjpeg`
}

// source is where frames come from. next puts one into the ring; it returns io.EOF at the
// end, and framebuffer.ErrTimeout for a frame that was overwritten while it was put in.
type source interface {
	next(c *framebuffer.Client) (framebuffer.Frame, *topic.Meta, error)
}

// Run publishes until the input ends or a signal comes.
func (c *pubCmd) Run(e *env) (err error) {
	if c.Rate < 0 || c.Wait < 0 || math.IsNaN(c.Rate) {
		return fmt.Errorf("%w: --rate %v and --wait %d cannot be negative", errUsage, c.Rate, c.Wait)
	}
	client, err := c.direct(e, "framebuffer pub "+c.Topic)
	if err != nil {
		return unlessSignalled(err)
	}
	defer client.Close()
	ctx, stop := context.WithCancelCause(e.ctx)
	defer stop(nil)
	go watchServer(ctx, client, stop)
	in := newInput(ctx, e.in)
	from, err := c.source(in, client)
	if err != nil {
		return err
	}
	pub, err := topic.NewPublisher(client, c.Topic)
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
	if err := c.await(ctx, e, client); err != nil {
		return ended(err)
	}
	return c.publish(e, client, pub, from)
}

// source chooses by the kind of frame.
func (c *pubCmd) source(in io.Reader, client *framebuffer.Client) (source, error) {
	most := int64(client.Stats().Capacity)
	meta := &topic.Meta{ContentType: c.ContentType}
	sized := func(size int64) (source, error) {
		if size > most {
			return nil, fmt.Errorf("%w: a frame of %d bytes, and the ring has %d: start the server with a larger --size", framebuffer.ErrTooLarge, size, most)
		}
		return &sizedSource{in: bufio.NewReader(in), size: int(size), meta: meta}, nil
	}
	switch {
	case c.MJPEG:
		if meta.ContentType == "" {
			meta.ContentType = "image/jpeg"
		}
		return &jpegSource{in: mjpeg.NewReader(in, int(most)), meta: meta}, nil
	case c.Video != "":
		g, size, err := pixels.Parse(c.Video)
		if err != nil {
			return nil, err
		}
		if meta.ContentType == "" {
			meta.ContentType = "video/raw"
		}
		meta.Width, meta.Height, meta.Format = g.Width, g.Height, g.Format
		return sized(int64(size))
	case c.FrameSize != nil:
		if *c.FrameSize < 1 {
			return nil, fmt.Errorf("%w: --frame-size %d; a frame has at least 1 byte", errUsage, *c.FrameSize)
		}
		return sized(int64(*c.FrameSize))
	}
	return &wholeSource{in: in, meta: meta}, nil
}

// await waits for subscriptions. The directory tells nobody of newcomers, so it is looked at
// from time to time.
func (c *pubCmd) await(ctx context.Context, e *env, client *framebuffer.Client) error {
	var there atomic.Int64
	defer e.waitingFor(func() string {
		return fmt.Sprintf("%s to topic %q: %d of %d are there", many(c.Wait, "subscription"), c.Topic, there.Load(), c.Wait)
	})()
	for ; c.Wait > 0; time.Sleep(10 * time.Millisecond) {
		if err := over(ctx); err != nil {
			return err
		}
		all, err := topic.List(client)
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

func (c *pubCmd) publish(e *env, client *framebuffer.Client, pub *topic.Publisher, from source) error {
	var frames, bytes, lost uint64
	start, pace := time.Now(), limiter(c.Rate)
	defer func() {
		if lost > 0 {
			e.log.Warn("frames were overwritten before they were complete: the input is slower than the ring is long; start the server with a larger --size", "framebuffer.topic", c.Topic, "framebuffer.lost", lost)
		}
		e.total(totals{command: "pub", name: c.Topic, topic: c.Topic, frames: frames, bytes: bytes, lost: lost, start: start})
	}()
	for {
		if err := pace.Wait(e.ctx); err != nil {
			return ended(err)
		}
		f, meta, err := from.next(client)
		if err == nil {
			if _, err = pub.PublishFrame(f, meta, time.Time{}); errors.Is(err, topic.ErrEnded) {
				return fmt.Errorf("%w: another publisher ended it: run that one with --keep", errEndedByOther)
			}
		}
		switch {
		case err == nil:
			frames++
			bytes += uint64(f.Size)
		case errors.Is(err, framebuffer.ErrTimeout):
			lost++
		default:
			return ended(err)
		}
	}
}

// watchServer stops what waits for input, or for subscriptions, when the server has closed the segment: nobody else
// would tell.
func watchServer(ctx context.Context, client *framebuffer.Client, stop context.CancelCauseFunc) {
	defer runtime.KeepAlive(client)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := client.Inside().Ring.Ended(); err != nil {
			stop(err)
			return
		}
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
