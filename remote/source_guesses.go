package remote

import (
	"errors"
	"fmt"
	"sync"

	"github.com/core-framebuffer/framebuffer"
)

// A request names a frame by its descriptor. A made-up descriptor must reveal nothing: neither bytes,
// nor whether the ring has such a chunk, nor of which size. So the source verifies the checksum before it
// sends any byte, and answers every wrong descriptor with the same error.

// errNoSuchFrame is that error. Its text says what a reader with a correct descriptor can do.
var errNoSuchFrame = fmt.Errorf("%w: the ring has no frame with that offset, size and checksum: it was overwritten, or the descriptor is not as its writer gave it out: read sooner, or start the server with a larger size", framebuffer.ErrTimeout)

// view is ring.View for a descriptor from another host: it calls send with the bytes only if they
// match the descriptor's checksum.
func (s *Source) view(ring *framebuffer.Client, f framebuffer.Frame, send func([]byte) error) error {
	verified, guessed := false, false
	err := ring.View(f, func(bytes []byte) error {
		size, ok := ring.ChunkSize(f.Offset)
		if !ok || !s.guesses.allow(f.Offset, f.Size == size) {
			return errNoSuchFrame
		}
		if verified = framebuffer.ChecksumOf(bytes) == f.Checksum; !verified {
			guessed = true
			return errNoSuchFrame
		}
		return send(bytes)
	})
	if guessed {
		s.guesses.add(f.Offset)
	}
	if verified || err == nil || errors.Is(err, framebuffer.ErrClosed) || errors.Is(err, framebuffer.ErrCorrupt) {
		return err
	}
	return errNoSuchFrame
}

const (
	// maxGuesses is how many wrong descriptors of a chunk are compared with its bytes. More could find
	// out the frame byte by byte: the checksum of its first byte has 256 values.
	maxGuesses = 8

	// maxGuessed is for how many chunks they are counted.
	maxGuessed = 1 << 16
)

// guesses counts the wrong descriptors of each chunk. After maxGuesses of them the source only compares
// descriptors of the chunk's whole size: frames that were written by Put have it, a frame that was
// committed to a larger reservation does not.
type guesses struct {
	mu    sync.Mutex
	wrong map[uint64]int // by offset, which a ring uses once
}

func (g *guesses) allow(offset uint64, wholeChunk bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return wholeChunk || g.wrong[offset] < maxGuesses
}

func (g *guesses) add(offset uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.wrong) >= maxGuessed || g.wrong == nil {
		g.wrong = map[uint64]int{}
	}
	g.wrong[offset]++
}
