package topic

import (
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// Message is one frame of a topic.
type Message struct {
	// Frame is the descriptor, for the client's Get, View or Hold.
	Frame framebuffer.Frame `json:"frame"`

	// Sequence numbers the frames of a topic, from 0.
	Sequence uint64 `json:"sequence"`

	// Time is the time that the publisher gave, or the time of publishing, up to a tenth of a
	// millisecond early.
	Time time.Time `json:"time"`

	// Lost is how many frames the subscription, or the group, lost since its last message.
	Lost uint64 `json:"lost,omitempty"`

	// Ring counts the rings of earlier servers that the subscription has read: package service's
	// subscriptions go on with the next server. When it changes, sequence numbers begin again. For
	// subscriptions of this package it is 0.
	Ring uint64 `json:"ring,omitempty"`

	// Meta describes the frame. Its slices must not be written to.
	Meta Meta `json:"meta"`
}
