package sign

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// Kinds of statements. A statement of one kind never equals one of another kind.
const (
	Frame  = "frame"  // a frame that a reader requested
	Mirror = "mirror" // a frame in a mirror's stream
	End    = "end"    // the end of a topic in a mirror's stream
	Answer = "answer" // a server's answer about itself
)

// domain separates these signatures from any others that the same key makes. Its number changes when
// the fields of a statement change.
const domain = "framebuffer signed statement 1"

// Statement returns the bytes that are signed: each field with its length before it, so that two
// different lists of fields are never the same bytes.
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

// AnswerStatement returns the statement of a server's answer about itself.
func AnswerStatement(nonce string, question, answer []byte) []byte {
	return Statement(Answer, []byte(nonce), question, answer)
}

// maxNonce is how many bytes a requester may choose for a server to sign.
const maxNonce = 64

// Nonce returns a new random nonce. A signature over a statement that contains it answers this request
// and no other.
func Nonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// CheckNonce returns an error if a server must not sign a statement with that nonce.
func CheckNonce(nonce string) error {
	if nonce == "" || len(nonce) > maxNonce {
		return fmt.Errorf("%w: a nonce of %d bytes; a signature is asked for with 1 to %d", fberr.BadSize, len(nonce), maxNonce)
	}
	return nil
}
