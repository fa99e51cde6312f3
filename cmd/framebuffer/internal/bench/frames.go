package bench

import (
	"context"
	"errors"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// frames measures the parts memory and frames, which one process does alone.
func (b *bench) frames(ctx context.Context, budget time.Duration) (err error) {
	around, err := newCold(b.plan.large)
	if err != nil {
		return err
	}
	defer around.close()
	random, err := newChase(b.plan.chase)
	if err != nil {
		return err
	}
	defer random.close()
	client, err := framebuffer.Attach(b.large.Key(), &framebuffer.ClientOptions{Name: clientName})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	trusting, err := framebuffer.Attach(b.large.Key(), &framebuffer.ClientOptions{Name: clientName, Unverified: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trusting.Close()) }()
	if err := lap(client, trusting); err != nil {
		return err
	}
	all := []turn{b.plain(b.rows.series(partMemory, "load", line, b.plan.chase), random.step)}
	for _, of := range sizes() {
		if of.bytes > b.plan.largest {
			b.report.skip(of.name, "a ring for frames of that size does not fit the memory that the benchmark may use")
			continue
		}
		all = append(all, b.limits(of, around)...)
		if b.wants(partFrames) {
			all = append(all, b.writes(of, client), b.reads(of, client, trusting))
		}
	}
	return b.pace.rounds(ctx, budget, all)
}

// writes is the turn of Allocate and Write.
func (b *bench) writes(of size, c *framebuffer.Client) turn {
	src := filled(of.bytes)
	return b.plain(b.rows.series(partFrames, "write", of.bytes, b.plan.large), func() error {
		offset, err := c.Allocate(of.bytes)
		if err == nil {
			_, err = c.Write(offset, src)
		}
		return err
	})
}

// reads is the turn of everything that reads: it fills the ring with frames, and then goes through them
// in each way.
func (b *bench) reads(of size, c, trusting *framebuffer.Client) turn {
	const most = 100_000 // frames
	src, dst := filled(of.bytes), make([]byte, of.bytes)
	count := min(most, int(b.plan.large/int64(of.bytes+2*header))-1)
	all := make([]framebuffer.Frame, count)
	see := func([]byte) error { return nil }
	type way struct {
		s  *series
		do func(f framebuffer.Frame) error
	}
	ways := []way{
		{b.rows.series(partFrames, "read", of.bytes, b.plan.large), func(f framebuffer.Frame) error {
			p, err := c.Read(f.Offset, f.Size, f.Checksum)
			b.kept = p
			return err
		}},
		{b.rows.series(partFrames, "read into", of.bytes, b.plan.large), func(f framebuffer.Frame) error { return c.ReadInto(dst, f.Offset, f.Checksum) }},
		{b.rows.series(partFrames, "view", of.bytes, b.plan.large), func(f framebuffer.Frame) error { return c.View(f, see) }},
		{b.rows.series(partFrames, "view unverified", of.bytes, b.plan.large), func(f framebuffer.Frame) error { return trusting.View(f, see) }},
	}
	return func(ctx context.Context, warm bool) (err error) {
		for i := range all {
			if all[i], err = c.Put(src); err != nil {
				return err
			}
		}
		for _, w := range ways {
			start := time.Now()
			for _, f := range all {
				if err := w.do(f); err != nil {
					return err
				}
			}
			if !warm {
				w.s.add("", time.Since(start), len(all))
			}
		}
		b.kept = nil
		return ctx.Err()
	}
}

// lap goes round the ring once with each client, which maps its pages: the first lap is not what is
// measured.
func lap(all ...*framebuffer.Client) error {
	for _, c := range all {
		capacity := c.Stats().Capacity
		part := make([]byte, min(capacity/4, mib))
		for done := uint64(0); done <= capacity; done += uint64(len(part)) {
			// Another process may go round at the same time.
			if _, err := c.Put(part); err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
				return err
			}
		}
	}
	return nil
}
