package service

import (
	"errors"
	"fmt"
	"sync"

	"github.com/core-framebuffer/framebuffer"
)

// Other hosts get a frame by its descriptor. One that is made up must tell nothing: neither bytes, nor whether
// there is a chunk, nor of what size. So the bytes are hashed before any of them is sent, and all that is wrong has one answer.

// errNotThat is that answer. It says what a reader that has a descriptor can do.
var errNotThat = fmt.Errorf("%w: the ring has no frame with that offset, size and checksum: it was reused, or the descriptor is not as its writer gave it out: read sooner, or start the server with a larger size", framebuffer.ErrTimeout)

// giveKnown is ring.View for descriptors of other hosts.
func (g *sourceState) giveKnown(ring *framebuffer.Client, f framebuffer.Frame, look func([]byte) error) error {
	known, guessed := false, false
	err := ring.View(f, func(bytes []byte) error {
		size, ok := ring.ChunkSize(f.Offset)
		if !ok || !g.guesses.allow(f.Offset, f.Size == size) {
			return errNotThat
		}
		if known = framebuffer.ChecksumOf(bytes) == f.Checksum; !known {
			guessed = true
			return errNotThat
		}
		return look(bytes)
	})
	if guessed {
		g.guesses.wrong(f.Offset)
	}
	if known || err == nil || errors.Is(err, framebuffer.ErrClosed) || errors.Is(err, framebuffer.ErrCorrupt) {
		return err
	}
	return errNotThat
}

const (
	// maxGuesses is how many wrong descriptors of a chunk are looked at. More could find out the frame byte by byte: the
	// checksum of the first one has 256 values.
	maxGuesses = 8

	// maxGuessed is of how many chunks they are counted.
	maxGuessed = 1 << 16
)

// guesses counts the wrong descriptors that name a chunk. With as many as may be, only its whole content can be had, as
// frames are that were written by Put; a shorter one that was committed to a larger reservation cannot.
type guesses struct {
	mu     sync.Mutex
	wrongs map[uint64]int // by offset, which no ring gives out twice
}

func (g *guesses) allow(offset uint64, whole bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return whole || g.wrongs[offset] < maxGuesses
}

func (g *guesses) wrong(offset uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.wrongs) >= maxGuessed || g.wrongs == nil {
		g.wrongs = map[uint64]int{}
	}
	g.wrongs[offset]++
}
