package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/core-framebuffer/framebuffer"
)

// stream sends copies of one frame one way, no more than a window ahead of the reader, who
// copies each out, verified, into memory of its own.
func (s *stage) stream(t task) (func() (int64, error), error) {
	e, err := s.open(t)
	if err != nil {
		return nil, err
	}
	data := make([]byte, t.Size)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	seen := &s.page.Lines[3].Word // the reader's
	from := seen.Load()
	if s.left {
		return func() (int64, error) {
			return timed(func() error {
				for i := range uint64(t.Count) {
					if _, err := e.pub.Publish(data, nil); err != nil {
						return err
					}
					for from+i+1-seen.Load() >= uint64(t.Window) {
					}
				}
				for seen.Load() != from+uint64(t.Count) {
				}
				return nil
			})
		}, nil
	}
	dst := make([]byte, t.Size)
	return func() (int64, error) {
		ns, err := timed(func() error {
			for range t.Count {
				m, err := e.sub.Next(context.Background())
				if err != nil {
					return err
				}
				if m.Lost > 0 {
					return fmt.Errorf("lost %d frames within the window", m.Lost)
				}
				if err := e.client.ReadInto(dst, m.Frame.Offset, m.Frame.Checksum); err != nil {
					return err
				}
				seen.Add(1)
			}
			return nil
		})
		if err == nil && !bytes.Equal(dst, data) {
			err = fmt.Errorf("the last frame is another")
		}
		return ns, err
	}, nil
}

// view looks at one frame in place, again and again; the other side rests.
func (s *stage) view(t task) (func() (int64, error), error) {
	if !s.left {
		return func() (int64, error) { return 0, nil }, nil
	}
	e, err := s.open(t)
	if err != nil {
		return nil, err
	}
	r, err := e.client.Reserve(t.Size)
	if err != nil {
		return nil, err
	}
	fill(r.Bytes(), touchEnds, 1)
	commit := r.CommitUnverified
	if t.Verify {
		commit = r.Commit
	}
	f, err := commit(t.Size)
	if err != nil {
		return nil, err
	}
	return func() (int64, error) { return timed(func() error { return views(e.client, f, t.Count) }) }, nil
}

func views(c *framebuffer.Client, f framebuffer.Frame, count int) error {
	see := func(b []byte) error { return look(b, touchEnds, 1) }
	for range count {
		if err := c.View(f, see); err != nil {
			return err
		}
	}
	return nil
}
