package record

import (
	"strconv"
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Without NATS permissions any program can publish to a recording's subjects. The player tells such
// messages from a recorder's by what JetStream has enforced: each message of a recorder has an ID
// and names its predecessor, so that no message can be inserted between two of them. This detects
// messages that no recorder stored. Against a peer that imitates a recorder only permissions by
// subject help.

// kept is a message of a recording that a recorder can have stored.
type kept struct {
	partOf
	number uint64 // sequence number in the stream
	mark   bool   // the message with which a recorder took the recording over
	ends   bool   // it is the last message of a frame
}

// readKept parses the message with that sequence number in the stream, and reports whether a
// recorder can have stored it there.
func readKept(subject string, number uint64, h nats.Header, data []byte) (k kept, ok bool) {
	p, ok := readPart(h)
	count, ours := strings.CutPrefix(h.Get(jetstream.MsgIDHeader), p.run+".")
	id, err := strconv.ParseUint(count, 10, 62)
	if !ok || !ours || err != nil || id == 0 {
		return k, false
	}
	k = kept{partOf: p, number: number, ends: h.Get(wire.HeaderFrame) != ""}
	k.mark = len(data) == 0 && p.ordinal == 0 && p.index == 0 && !k.ends
	switch before := h.Get(jetstream.ExpectedLastMsgIDHeader); {
	case strings.HasSuffix(subject, frameEnd) != k.ends:
		return k, false
	case k.mark:
		return k, true
	case len(data) == 0:
		return k, false
	case before != "":
		return k, before == messageID(p.run, id-1)
	}
	return k, h.Get(jetstream.ExpectedLastSeqHeader) == strconv.FormatUint(number-1, 10)
}

// messageID returns the ID of a run's message, count being the number of IDs given so far.
func messageID(run string, count uint64) string {
	return run + "." + strconv.FormatUint(count, 10)
}

// lineage decides whether a message can follow the earlier messages of a replay, by the sequence
// numbers that JetStream assigns. If two messages have consecutive numbers, no message between them
// is missing; and each missing frame takes at least one number.
type lineage struct {
	last    kept   // the last accepted message; its run is "" before the first
	seen    uint64 // sequence number of the last message, accepted or not
	missing uint64 // messages deleted from the stream since last
}

// take accepts a message and reports whether it can follow. A message that cannot only counts as
// seen.
func (l *lineage) take(k kept) bool {
	l.see(k.number)
	if l.last.run != "" && !l.follows(k) {
		return false
	}
	if k.mark && k.run == l.last.run { // a mark that was stored late
		return true
	}
	l.last, l.missing = k, 0
	return true
}

// see counts the messages missing before the one with that sequence number.
func (l *lineage) see(number uint64) {
	if l.last.run != "" && number > l.seen {
		l.missing += number - l.seen - 1
	}
	l.seen = number
}

// follows reports whether k can come after the last accepted message.
func (l *lineage) follows(k kept) bool {
	last, index := l.last, uint64(k.index)
	switch {
	case k.mark:
		return true
	case k.run != last.run: // the mark and the earlier messages of that run are missing
		return l.missing > 0 && k.ordinal <= l.missing-1 && index <= l.missing-1-k.ordinal
	case k.ordinal < last.ordinal, k.ordinal == last.ordinal && last.ends:
		return false
	case k.ordinal > last.ordinal:
		return k.ordinal-last.ordinal-1 <= l.missing
	}
	// The same frame: its next message, or its first one again if the frame is sent again.
	return l.missing > 0 || k.index == 0 || k.index == last.index+1 && !last.mark
}
