// Package stream carries streams of bytes over NATS with flow control. A stream travels in parts that
// fit into messages, and never more bytes are in flight than the receiver's window. See
// docs/decisions/0006-hosts.md.
//
// Each message carries the position of its first byte in the stream ([HeaderAt]). It advances the
// position by its number of bytes, but by at least 1 KiB. The first message also carries the subject
// for acknowledgements ([HeaderAckSubject]). Acknowledgements are cumulative positions and may pass
// lost bytes, which are not resent. A sender that has waited for an acknowledgement for a second sends
// a heartbeat ([HeaderHeartbeat]): its position and the subject for acknowledgements, without bytes.
//
// The subject for acknowledgements is not the reply subject, because NATS servers keep per-message
// reply state for messages that cross accounts, and never release that of replies to the requester.
package stream

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// Headers of a stream's messages. The values are part of the protocol.
const (
	HeaderAt         = "Framebuffer-At"    // position of the first byte, in decimal
	HeaderHeartbeat  = "Framebuffer-Beat"  // present in a heartbeat
	HeaderAckSubject = "Framebuffer-Heard" // subject for acknowledgements
)

const (
	// DefaultWindow is how many bytes may be in flight unless the receiver says otherwise.
	DefaultWindow = 4 << 20
	minWindow     = 64 << 10
	maxWindow     = 64 << 20

	// InitialWindow is how many bytes may be in flight before the first acknowledgement, whatever
	// the receiver requested: until then the sender does not know that the receiver wants them. From
	// there the window grows with what has been acknowledged, so that a narrow link is not filled
	// for minutes at once.
	InitialWindow = 1 << 20

	// maxPart is the largest number of bytes in a part. nats.go writes 32 KiB at a time, and NATS
	// servers read 64 KiB at most. A message that does not fit into those with its headers is
	// assembled in one more copy, and delays others.
	maxPart = 31 << 10

	// minSpan is the least that a message counts against the window: otherwise small messages, each of
	// which has headers and costs NATS memory, would pile up without limit.
	minSpan = 1 << 10

	// heartbeatInterval is how long a sender waits for an acknowledgement before each heartbeat.
	heartbeatInterval = time.Second

	// stopWord is the acknowledgement of a receiver that wants nothing more.
	stopWord = "stop"

	// ackToken is part of every subject for acknowledgements, and maxAckSubject limits their
	// length: a sender cannot make a receiver publish elsewhere, nor publish what costs the receiver
	// its connection.
	ackToken      = ".heard."
	maxAckSubject = 256
)

// ackSubjectForm is the form of subjects for acknowledgements. Neither JetStream nor other programs
// listen on such subjects.
var ackSubjectForm = regexp.MustCompile(`^framebuffer\.[A-Za-z0-9_-]{1,64}\.heard\.[A-Za-z0-9]{1,64}$`)

// ErrGone says that the receiver has closed the stream, or has not acknowledged anything for too long.
var ErrGone = errors.New("framebuffer: the receiver is gone")

// clampWindow returns the window to use for the one that a receiver requested; 0 means the default.
func clampWindow(n uint64) uint64 {
	if n == 0 {
		return DefaultWindow
	}
	return min(max(n, minWindow), maxWindow)
}

// partSize returns how many bytes a part may have on this connection, beside its headers.
func partSize(nc *nats.Conn) int {
	const headers = 4 << 10
	limit := int(nc.MaxPayload())
	return max(min(maxPart, max(limit-headers, limit/2)), 1)
}

// span returns by how much a message with n bytes advances the position in the stream.
func span(n int) uint64 { return uint64(max(n, minSpan)) }

// validAckSubject reports whether a receiver may publish acknowledgements to a subject.
func validAckSubject(subject string) bool {
	return len(subject) <= maxAckSubject && ackSubjectForm.MatchString(subject)
}

// newToken returns a token of a subject that cannot be guessed. A program that guesses the subject for
// acknowledgements could end another program's stream, or acknowledge in its place. The IDs of nats.go
// are counted up from one that the service shows.
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func parse(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return n, err == nil
}
