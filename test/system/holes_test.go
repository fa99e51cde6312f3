package system_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// holeOrder is what rolePuncher is told: a hole of so many bytes, or of a page at random again
// and again for so many rounds.
type holeOrder struct {
	Control    bool
	At, Length int
	Rounds     int
}

// rolePuncher: KEY; punches holes into a segment's memory, as nothing but a seal against writing
// would prevent, which readers and writers cannot have. Answers each order with itself.
func rolePuncher(c *testproc.Child) error {
	part := strings.Split(c.Args[0], "_")
	backend, err := shm.ByName(part[1])
	if err != nil {
		return err
	}
	m, err := backend.Attach(part[2], false)
	if err != nil {
		return err
	}
	defer m.Close()
	page, rnd := os.Getpagesize(), rand.New(rand.NewPCG(3, 3))
	for {
		var o holeOrder
		if err := c.Recv(&o); err != nil {
			return nil // end of input
		}
		mem := m.Ring
		if o.Control {
			mem = m.Control
		}
		err := error(nil)
		if o.Length > 0 {
			err = unix.Madvise(mem[o.At:o.At+o.Length], unix.MADV_REMOVE)
		}
		for range o.Rounds {
			at := rnd.IntN(len(m.Ring)/2/page) * page
			err = errors.Join(err, unix.Madvise(m.Ring[at:at+page], unix.MADV_REMOVE))
		}
		if err != nil {
			return fmt.Errorf("punch a hole: %w", err)
		}
		if err := c.Send(o); err != nil {
			return err
		}
	}
}

// No hole lets anybody read what was not written: a frame with a hole in its header, or in its
// bytes, is a timeout, and the ring goes on.
func TestHolesInTheRing(t *testing.T) {
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: backend, Dir: memoryDir(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			w, err := framebuffer.Attach(s.Key(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			p := testproc.Start(t, "puncher", s.Key())
			punch := func(o holeOrder) {
				t.Helper()
				p.Send(o)
				p.Recv(&o)
			}
			capacity, page := int(c.Segment().Ring.Capacity()), os.Getpagesize()
			data := ringtest.Bytes(9, 20_000)
			for name, within := range map[string]int{"header": -layout.ChunkHeader, "bytes": 10_000} {
				// So that a hole in the header is in nothing else: the header ends a page.
				for c.Segment().Ring.Head()%uint64(page) != uint64(page-layout.ChunkHeader) {
					if _, err := w.Allocate(layout.Align + 1); err != nil {
						t.Fatal(err)
					}
				}
				f, err := w.Put(data)
				if err != nil {
					t.Fatal(err)
				}
				h, err := c.Hold(f, time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				at := (int(f.Offset%uint64(capacity)) + within + capacity) % capacity &^ (page - 1)
				punch(holeOrder{At: at, Length: page})
				for how, err := range reads(c, f) {
					if !errors.Is(err, framebuffer.ErrTimeout) {
						t.Errorf("a hole in the %s, %s: %v", name, how, err)
					}
				}
				if bytes.Equal(h.Bytes(), data) == (name == "bytes") {
					t.Errorf("the hole in the %s is not where it was meant to be", name)
				}
				_ = h.Release()
			}

			// Holes anywhere while others write and read.
			whole, lost := 0, 0
			for round := range 50 {
				p.Send(holeOrder{Rounds: 200})
				for i := range 20 {
					data := ringtest.Bytes(uint64(round*20+i), 1+(i*1777)%40_000)
					f, err := w.Put(data)
					var got []byte
					if err == nil {
						got, err = c.Get(f)
					}
					switch {
					case err == nil && !bytes.Equal(got, data):
						t.Fatal("wrong bytes")
					case err == nil:
						whole++
					case errors.Is(err, framebuffer.ErrTimeout):
						lost++
					default:
						t.Fatal(err)
					}
				}
				var o holeOrder
				p.Recv(&o)
			}
			p.Done()
			t.Logf("%d frames whole, %d lost", whole, lost)
			if f, err := w.Put(data); err != nil {
				t.Error(err)
			} else if got, err := c.Get(f); err != nil || !bytes.Equal(got, data) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// reads is what ways to read a frame say.
func reads(c *framebuffer.Client, f framebuffer.Frame) map[string]error {
	_, get := c.Get(f)
	h, hold := c.Hold(f, time.Second)
	if hold == nil {
		_ = h.Release()
	}
	return map[string]error{"get": get, "hold": hold, "view": c.View(f, func([]byte) error { return nil })}
}

// When the control object becomes zeroes, everybody learns that it makes no sense any more:
// who reads, writes, publishes or waits, and who comes late.
func TestHoleInTheControlObject(t *testing.T) {
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: backend, Dir: filepath.Join(memoryDir(t), "d")})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c, err := framebuffer.Attach(s.Key(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			f, err := c.Put(ringtest.Bytes(1, 1000))
			if err != nil {
				t.Fatal(err)
			}
			pub, err := topic.NewPublisher(c, "x")
			if err != nil {
				t.Fatal(err)
			}
			sub, err := topic.Subscribe(c, "x", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
			slept := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				_, err := sub.Next(ctx)
				slept <- err
			}()
			p := testproc.Start(t, "puncher", s.Key())
			o := holeOrder{Control: true, Length: layout.HeaderSize}
			p.Send(o)
			p.Recv(&o)
			p.Done()

			all := reads(c, f)
			_, all["allocate"] = c.Allocate(1)
			_, all["write"] = c.Write(f.Offset, []byte{1})
			_, all["publish"] = pub.PublishFrame(f, nil, time.Time{})
			all["next"] = <-slept
			for how, err := range all {
				if !errors.Is(err, framebuffer.ErrCorrupt) {
					t.Errorf("%s: %v", how, err)
				}
			}
			if late, err := framebuffer.Attach(s.Key(), nil); !errors.Is(err, framebuffer.ErrStaleKey) && !errors.Is(err, framebuffer.ErrCorrupt) {
				t.Errorf("attached: %v, %v", late, err)
			}
		})
	}
}
