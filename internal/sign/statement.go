package sign

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// What is signed. A statement of one kind is never one of another.
const (
	Frame  = "frame"  // the answer to a reader
	Mirror = "mirror" // a frame of a topic's stream
	End    = "end"    // a topic's end, in its stream
	Answer = "answer" // what a server answers of itself
)

// domain keeps these signatures apart from all others that a key may make. Its number changes with
// what statements hold.
const domain = "framebuffer signed statement 1"

// Statement is what a signature is over: each field with its length before it, so that two lists of
// fields that differ are never the same bytes.
func Statement(kind string, fields ...[]byte) []byte {
	size := len(domain) + len(kind) + 16
	for _, f := range fields {
		size += len(f) + 8
	}
	s := field(field(make([]byte, 0, size), []byte(domain)), []byte(kind))
	for _, f := range fields {
		s = field(s, f)
	}
	return s
}

func field(s, f []byte) []byte {
	return append(binary.BigEndian.AppendUint64(s, uint64(len(f))), f...)
}

// maxNonce bounds what an owner signs of an asker's choice.
const maxNonce = 64

// Nonce is new with each call: an answer that is signed with it is to this question.
func Nonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// CheckNonce returns an error if it is none that an owner signs.
func CheckNonce(nonce string) error {
	if nonce == "" || len(nonce) > maxNonce {
		return fmt.Errorf("%w: a nonce of %d bytes; a signature is asked for with 1 to %d", fberr.BadSize, len(nonce), maxNonce)
	}
	return nil
}
