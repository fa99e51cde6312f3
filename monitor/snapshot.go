package monitor

import (
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Snapshot is a segment at one moment. Figures are read without stopping anybody, so those of
// different lines may be some microseconds apart.
type Snapshot struct {
	Time    time.Time `json:"time"`
	Segment string    `json:"segment"` // the key's last part: tells segments apart and lets nobody in
	Backend string    `json:"backend"`
	Path    string    `json:"path"`  // what this monitor is attached by: ids, a socket, a file
	Pages   string    `json:"pages"` // what the ring is made of: small, huge or transparent huge
	State   State     `json:"state"`
	Created time.Time `json:"created"`
	Age     Seconds   `json:"age_seconds"`

	Capacity uint64  `json:"capacity_bytes"`
	Start    uint64  `json:"start,string"` // position of the first chunk
	Head     uint64  `json:"head,string"`  // position of the next chunk
	Place    uint64  `json:"place_bytes"`  // the head's place in the ring
	Laps     float64 `json:"laps"`         // how often the ring has gone round

	Horizon   Horizon `json:"horizon"`
	oldest    int64   // when the oldest frame was allocated, 0 if that is not known
	Held      uint64  `json:"held_bytes"`
	HoldLimit uint64  `json:"hold_limit_bytes"`
	Holds     []Hold  `json:"holds"`

	Window    Seconds            `json:"window_seconds"` // what rates are over; 0 if there are none yet
	Rates     Rates              `json:"rates"`
	Total     framebuffer.Counts `json:"total"`                       // of everybody, those that left included
	Others    framebuffer.Counts `json:"others"`                      // of those that left or have no slot
	OthersWhy string             `json:"others_remote_why,omitempty"` // as Client.Why, of the last of them
	Clients   []Client           `json:"clients"`

	Topics     []Topic `json:"topics"`      // by name, at most MaxTopics
	MoreTopics int     `json:"more_topics"` // how many were left out
}

// MaxTopics is how many topics a snapshot has at most.
const MaxTopics = 1024

// State says whether a segment has a server.
type State string

// The states of a segment.
const (
	Open   State = "open"
	Closed State = "closed" // by its server: nothing is written any more
	Gone   State = "gone"   // the server's process died: clients read what is there, and none attaches
)

// Horizon says how long frames live.
type Horizon struct {
	// Now is how long a frame written now will live if as much is allocated as was in the
	// last Window: for ever, while nothing is.
	Now Seconds `json:"now_seconds"`

	// Worst is the shortest of Now and the lives of all frames that were overwritten in the
	// last minute.
	Worst Seconds `json:"worst_seconds"`

	// Oldest is how long ago the oldest frame was allocated that is still alive, held ones
	// apart: the one that is overwritten next, or, behind a frame of more than 512 KiB that is
	// half overwritten, one up to 1/64 of a lap later.
	Oldest Seconds `json:"oldest_seconds"`
}

// Rates are per second, over the last Window.
type Rates struct {
	Allocations    float64 `json:"allocations"`
	AllocatedBytes float64 `json:"allocated_bytes"` // headers and padding included
	Writes         float64 `json:"writes"`
	WrittenBytes   float64 `json:"written_bytes"`
	Reads          float64 `json:"reads"`
	ReadBytes      float64 `json:"read_bytes"`
	Timeouts       float64 `json:"timeouts"` // of either reason
}

// Client is an attached process.
type Client struct {
	ID       uint64             `json:"id,string"` // of this attachment: no other has it
	Slot     int                `json:"slot"`      // tells clients of one name apart
	Name     string             `json:"name"`
	PID      int                `json:"pid"`               // in its own PID namespace
	Role     string             `json:"role"`              // server, client or read-only
	Process  Process            `json:"process"`           // what the kernel says of it
	Attached Seconds            `json:"attached_seconds"`  // how long ago
	LastSeen Seconds            `json:"last_seen_seconds"` // how long ago it last did something, as far as is known
	Last     uint64             `json:"last,string"`       // offset of the frame it last wrote or read; 0 if none or not known
	Lag      uint64             `json:"lag_bytes"`         // what was allocated after that; its frames time out as this nears the capacity
	Counts   framebuffer.Counts `json:"counts"`
	Rates    Rates              `json:"rates"`
	Why      string             `json:"remote_why,omitempty"` // it reads frames over a network: their rings are not on this host, or not permitted
}

// Process is what the kernel says of a client's process.
type Process string

// What it may say. A client that the kernel says is dead is not in a snapshot.
const (
	ProcessRunning Process = "running"
	ProcessStopped Process = "stopped" // by a signal or a debugger
	ProcessAlive   Process = "alive"   // in another PID namespace: running or stopped
	ProcessGone    Process = "gone"    // found dead by its pid, where the kernel did not tell by itself
	ProcessUnknown Process = "unknown"
)

// Hold is a part of the ring that allocators step over.
type Hold struct {
	Place     uint64  `json:"place_bytes"` // may go on over the end of the ring
	Length    uint64  `json:"length_bytes"`
	Left      Seconds `json:"left_seconds"` // until its end, unless it is extended
	Confirmed bool    `json:"confirmed"`    // whether its holder relies on it yet
}

// Topic is a named stream of frames.
type Topic struct {
	Index       int          `json:"index"`
	Name        string       `json:"name"`
	Ended       bool         `json:"ended"`
	Published   uint64       `json:"published"`       // frames, since the segment was made
	Bytes       uint64       `json:"published_bytes"` // payload bytes of those
	FrameRate   float64      `json:"frame_rate"`      // frames a second, over the last Window
	ByteRate    float64      `json:"byte_rate"`
	Depth       uint64       `json:"depth"` // frames it remembers
	Subscribers []Subscriber `json:"subscribers"`
	Groups      []Group      `json:"groups"`
	Newest      *Frame       `json:"newest"` // the last frame that is still there, or null
}

// Subscriber is a subscription of an attached client.
type Subscriber struct {
	Entry    int    `json:"entry"` // tells subscriptions of one client apart
	Slot     int    `json:"slot"`  // of its client
	Name     string `json:"name"`  // of its client
	PID      int    `json:"pid"`
	Cursor   uint64 `json:"cursor"` // sequence number it waits for
	Lag      uint64 `json:"lag"`    // frames it has still to look at
	Received uint64 `json:"received"`
	Lost     uint64 `json:"lost"`
}

// Group is a group of subscriptions.
type Group struct {
	Name   string `json:"name"`
	Cursor uint64 `json:"cursor"`
	Lag    uint64 `json:"lag"` // frames that none of its members has taken yet
}

// Frame is a published frame.
type Frame struct {
	Sequence uint64               `json:"sequence"`
	Offset   uint64               `json:"offset,string"`
	Place    uint64               `json:"place_bytes"`
	Size     int                  `json:"size_bytes"`
	Checksum framebuffer.Checksum `json:"checksum"`
	Time     time.Time            `json:"time"`        // as its publisher said
	Age      Seconds              `json:"age_seconds"` // since then; negative if that is in the future
	Source   string               `json:"source"`      // its publisher's name, if that is attached
	Meta     topic.Meta           `json:"meta"`
}

// Span is a part of the ring that holds a live frame of a topic, or its record.
type Span struct {
	Topic  int    `json:"topic"` // index
	Place  uint64 `json:"place_bytes"`
	Length uint64 `json:"length_bytes"`
}

// Point is what happened between a snapshot and the one before it.
type Point struct {
	Time    time.Time `json:"time"`
	Span    Seconds   `json:"span_seconds"` // since the point before
	Rates   Rates     `json:"rates"`        // over that span
	Horizon Horizon   `json:"horizon"`      // as the snapshot had it
	Held    uint64    `json:"held_bytes"`
}
