// Package stream carries streams of bytes over NATS: in parts that a message can hold, and
// never more of them on the way than the receiver said that it will take. See
// docs/decisions/0006-hosts.md.
//
// A message of a stream says where in the stream its first byte is, and takes as much of the
// stream as it has bytes, but 1 KiB at least. The first says where to tell the sender how far one has come,
// which may be beyond what one got: what is lost does not come again. A sender that has waited for that
// for a second says where it is, and where to tell it.
//
// That is no message's reply subject: of each that crosses from one NATS account to another, servers keep a
// way back, and those that lead to who was asked they never forget.
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

// Headers of a stream's messages.
const (
	At    = "Framebuffer-At"    // position of the first byte, in decimal
	Beat  = "Framebuffer-Beat"  // anything: no bytes, the sender has waited
	Heard = "Framebuffer-Heard" // subject on which the sender hears how far the receiver has come
)

const (
	// Window is how many bytes may be on the way unless the receiver says otherwise.
	Window    = 4 << 20
	minWindow = 64 << 10
	maxWindow = 64 << 20

	// Opening is how many may be on the way before the receiver was heard, whatever it asked
	// for: until then the sender does not know that the receiver wants them. From there it grows
	// with what has arrived: a narrow link is not filled for minutes at once.
	Opening = 1 << 20

	// most is the largest part. nats.go writes 32 KiB at a time, and NATS servers read 64 KiB at most: what
	// does not fit into those, with its headers, is put together in one more copy, and others wait behind it.
	most = 31 << 10

	// least is what a message takes of the stream, and so of the window, at least: headers, and
	// what NATS needs for each, would otherwise let small ones pile up without end.
	least = 1 << 10

	// beatAfter is how long a sender waits before it says where it is.
	beatAfter = time.Second

	// stop is what a receiver answers that wants no more.
	stop = "stop"

	// hearing is in each subject on which a sender hears, and longest is how long one may be: a
	// sender has a receiver publish nowhere else, and nothing that costs it its connection.
	hearing = ".heard."
	longest = 256
)

// hearForm is the form of those subjects, token by token. JetStream, and servers of other
// programs, listen on none of it.
var hearForm = regexp.MustCompile(`^framebuffer\.[A-Za-z0-9_-]{1,64}\.heard\.[A-Za-z0-9]{1,64}$`)

// ErrGone says that the receiver has left, or has not been heard of for long.
var ErrGone = errors.New("framebuffer: the receiver is gone")

// clampWindow makes a window of what a receiver asked for; 0 means the default.
func clampWindow(n uint64) uint64 {
	if n == 0 {
		return Window
	}
	return min(max(n, minWindow), maxWindow)
}

// size is how many payload bytes a part may have on this connection, beside its headers.
func size(nc *nats.Conn) int {
	const headers = 4 << 10
	limit := int(nc.MaxPayload())
	return max(min(most, max(limit-headers, limit/2)), 1)
}

// span is how much of the stream a message with n bytes takes.
func span(n int) uint64 { return uint64(max(n, least)) }

// hears reports whether a sender may hear on that subject.
func hears(subject string) bool {
	return len(subject) <= longest && hearForm.MatchString(subject)
}

// newToken is a token of a subject that cannot be guessed: each user that may publish to where
// senders hear could otherwise end the streams of others, or say that a stranger took what comes.
// IDs of nats.go are counted up, from one that the service shows.
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func parse(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return n, err == nil
}
