package monitor

import (
	"encoding/json"
	"time"
)

// Snapshot is a segment at one moment. Its figures are read without stopping any process, so they
// may be some microseconds apart.
type Snapshot struct {
	Time  time.Time `json:"time"`
	State State     `json:"state"`
	Identity
	Ring

	Window    Seconds      `json:"window_seconds"` // what rates are over; 0 if there are none yet
	Rates     Rates        `json:"rates"`          // of Total
	Total     Counts       `json:"total"`          // of all clients, detached ones included
	Others    Counts       `json:"others"`         // of clients that have detached or have no slot
	OthersWhy RemoteReason `json:"others_remote_why,omitempty"`
	Clients   []Client     `json:"clients"`

	Topics     []Topic `json:"topics"`      // by name, at most MaxTopics
	MoreTopics int     `json:"more_topics"` // how many were left out
}

// MaxTopics is how many topics a [Snapshot] has at most.
const MaxTopics = 1024

// Identity says which segment a snapshot is of.
type Identity struct {
	Segment string    `json:"segment"` // the key's last part: it identifies the segment and gives no access
	Backend string    `json:"backend"`
	Path    string    `json:"path"`  // where the memory is: ids, a socket or files
	Pages   string    `json:"pages"` // what the ring is made of: small, huge or transparent huge
	Created time.Time `json:"created"`
	Age     Seconds   `json:"age_seconds"`
}

// Ring is the state of a segment's ring.
type Ring struct {
	Capacity  uint64  `json:"capacity_bytes"`
	Start     uint64  `json:"start_position,string"` // of the first chunk
	Head      uint64  `json:"head_position,string"`  // of the next chunk
	Place     uint64  `json:"place_bytes"`           // the head's place in the ring
	Laps      float64 `json:"laps"`                  // how often the ring has gone round
	Horizon   Horizon `json:"horizon"`
	Held      uint64  `json:"held_bytes"`
	HoldLimit uint64  `json:"hold_limit_bytes"`
	Holds     []Hold  `json:"holds"`

	oldest int64 // when the oldest frame was allocated, 0 if that is not known
}

// State says whether a segment has a server.
type State string

// The states of a segment.
const (
	Open   State = "open"
	Closed State = "closed" // its server has closed it: no frame is written any more
	Gone   State = "gone"   // its server's process died: attached clients read on, and no client can attach
)

// Horizon says how long frames live.
type Horizon struct {
	// Now is how long a frame written now will live at the rate of the last Window: for ever,
	// while nothing is allocated.
	Now Seconds `json:"now_seconds"`

	// Worst is the shortest of Now and the lives of all frames that were overwritten in the
	// last minute.
	Worst Seconds `json:"worst_seconds"`

	// Oldest is the age of the frame that is overwritten next. Where half of a frame of more
	// than 512 KiB is overwritten, it is that of a frame up to 1/64 of the ring later.
	Oldest Seconds `json:"oldest_seconds"`
}

// Hold is a part of the ring that is not overwritten, because a client holds the frame in it.
type Hold struct {
	Place     uint64  `json:"place_bytes"` // it may continue over the end of the ring
	Length    uint64  `json:"length_bytes"`
	Left      Seconds `json:"left_seconds"` // until its end, unless it is extended
	Confirmed bool    `json:"confirmed"`    // whether its holder relies on it yet
}

// MarshalJSON writes an object. Members that were renamed stand there under their old names too:
// start and head.
func (s Snapshot) MarshalJSON() ([]byte, error) {
	type members Snapshot
	return json.Marshal(struct {
		members
		OldStart uint64 `json:"start,string"`
		OldHead  uint64 `json:"head,string"`
	}{members(s), s.Start, s.Head})
}
