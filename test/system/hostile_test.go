package system_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/shm/shmtest"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// roleScribe: KEY; on each message writes nonsense over the control object and the ring,
// as a broken or malicious peer could, until its input ends.
func roleScribe(c *testproc.Child) error {
	m, err := shmtest.OfKey(c.Args[0])
	if err != nil {
		return err
	}
	defer m.Close()
	rnd := rand.New(rand.NewPCG(7, 7))
	for {
		var rounds int
		if err := c.Recv(&rounds); err != nil {
			return nil // end of input
		}
		for range rounds {
			m.Control[rnd.IntN(layout.HeaderSize)] = byte(rnd.Uint32())
			m.Control[layout.OffHead+rnd.IntN(8)] ^= 1 << rnd.IntN(8)
			m.Control[layout.HeaderSize+rnd.IntN(len(m.Control)-layout.HeaderSize)] = byte(rnd.Uint32())
			at := rnd.IntN(len(m.Ring) / 2)
			m.Ring[at] ^= byte(1 + rnd.IntN(255))
			m.Ring[at&^63] ^= 1 // and headers above all
		}
		if err := c.Send(rounds); err != nil {
			return err
		}
	}
}

// A peer writes random bytes over everything while others work. They may get any error, but
// no crash, no hang, and no wrong bytes; a late-comer may be refused.
func TestHostilePeer(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<16)
	p := testproc.Start(t, "scribe", s.Key())
	same, failed := 0, 0
	for round := range 400 {
		p.Send(50)
		for i := range 20 {
			data := ringtest.Bytes(uint64(round*20+i), 1+(i*1777)%40000)
			f, err := c.Put(data)
			if err == nil {
				var got []byte
				got, err = c.Get(f)
				if err == nil && !bytes.Equal(got, data) {
					t.Fatal("wrong bytes")
				}
			}
			if err != nil {
				failed++
			} else {
				same++
			}
			_, _ = c.Read(rand.Uint64(), i, 0)
			_ = c.Stats()
		}
		var n int
		p.Recv(&n)
		late, err := framebuffer.Attach(s.Key(), nil)
		if err == nil {
			_, _ = late.Put([]byte{1})
			err = late.Close()
		}
		if err != nil && !errors.Is(err, framebuffer.ErrCorrupt) && !errors.Is(err, framebuffer.ErrStaleKey) {
			t.Fatalf("attach: %v", err)
		}
	}
	p.Done()
	t.Logf("%d frames whole, %d errors", same, failed)
	if failed == 0 {
		t.Error("the peer did no harm at all: this test tests nothing")
	}
}
