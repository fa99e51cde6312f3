package topic

import (
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// Message is one frame of a topic.
type Message struct {
	// Frame is the descriptor, to be read with the client's Read, ReadInto, View or Hold.
	Frame framebuffer.Frame `json:"frame"`

	// Sequence is the frame's number in its topic, from 0 up.
	Sequence uint64 `json:"sequence"`

	// Time is when it was published, which may be a tenth of a millisecond early, or what the
	// publisher said.
	Time time.Time `json:"time"`

	// Lost is how many frames before this one the subscription (or the group) lost since
	// its last message.
	Lost uint64 `json:"lost,omitempty"`

	// Ring is how often the subscription has gone on to the ring of a next server: those of
	// package service do, and a change shows that numbers begin anew. Those of this package stay
	// in one ring, and it is 0.
	Ring uint64 `json:"ring,omitempty"`

	// Meta says what the frame is. Its slices must not be written to.
	Meta Meta `json:"meta"`
}
