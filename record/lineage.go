package record

import (
	"strconv"
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A recorder is not alone in being able to publish to a recording's subjects, where NATS has no permissions. What
// another program puts there is told from what a recorder stores by what JetStream itself made sure of: each message of a
// recorder has an ID, and names the message behind which it stands. Between two such messages nothing can be inserted.
// This finds what is no recorder's; against a peer that imitates a recorder permissions by subject help, and nothing else.

// kept is a recording's message that a recorder can have stored.
type kept struct {
	partOf
	number uint64 // in the stream
	mark   bool   // a recorder took the recording with it
	ends   bool   // a frame
}

// readKept reads a message with its number in the stream, and reports whether a recorder can have stored it there.
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

// messageID is the ID of a run's message.
func messageID(run string, count uint64) string {
	return run + "." + strconv.FormatUint(count, 10)
}

// lineage tells whether a message can follow those that a replay has had before, by the numbers that JetStream
// gives: of two messages without any between them both are known, and a frame that is missing takes a number at least.
type lineage struct {
	last    kept   // that was accepted; its run is "" before the first
	seen    uint64 // number of the last message, accepted or not
	missing uint64 // messages that are gone since last
}

// take reports whether the message follows. One that does not changes nothing.
func (l *lineage) take(k kept) bool {
	l.see(k.number)
	if l.last.run != "" && !l.follows(k) {
		return false
	}
	if k.mark && k.run == l.last.run { // one that came late
		return true
	}
	l.last, l.missing = k, 0
	return true
}

// see counts what is gone before the message of that number.
func (l *lineage) see(number uint64) {
	if l.last.run != "" && number > l.seen {
		l.missing += number - l.seen - 1
	}
	l.seen = number
}

func (l *lineage) follows(k kept) bool {
	last, index := l.last, uint64(k.index)
	switch {
	case k.mark:
		return true
	case k.run != last.run: // its mark, and what came before in that run, are gone
		return l.missing > 0 && k.ordinal <= l.missing-1 && index <= l.missing-1-k.ordinal
	case k.ordinal < last.ordinal, k.ordinal == last.ordinal && last.ends:
		return false
	case k.ordinal > last.ordinal:
		return k.ordinal-last.ordinal-1 <= l.missing
	}
	// The same frame: what comes next, or all of it once more.
	return l.missing > 0 || k.index == 0 || k.index == last.index+1 && !last.mark
}
