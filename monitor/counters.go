package monitor

import (
	"encoding/json"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Counter is one of the figures that a client counts in its slot, and an index into [Counts] and
// [Rates].
type Counter int

// The counters. Bytes of allocations include headers, padding and what was skipped for holds; all
// other bytes are payload. A write that was overwritten before it ended counts in Writes and in
// Overwritten. Frames that came over a network are in no ring of this host: they count only in the
// three Remote counters of the client that asked for them.
const (
	Allocations Counter = iota
	AllocatedBytes
	Writes
	WrittenBytes
	Reads
	ReadBytes
	Overwritten
	Altered
	RemoteReads
	RemoteReadBytes
	RemoteTimeouts
	NumCounters
)

// counters is the one table of them: a new counter is a constant above and a line here. Loading,
// sums, rates, JSON and the Prometheus metrics follow from it.
var counters = [NumCounters]struct {
	name string // in JSON and, with a prefix and a suffix, in Prometheus
	help string // a sentence without its full stop
	word func(layout.Slot) *atomic.Uint64
	old  string // deprecated name in JSON
}{
	Allocations:     {name: "allocations", help: "Chunks allocated; several small ones at once count as one", word: local(layout.Allocations)},
	AllocatedBytes:  {name: "allocated_bytes", help: "Bytes allocated, headers and padding included", word: local(layout.AllocatedBytes)},
	Writes:          {name: "writes", help: "Frames written", word: local(layout.Writes)},
	WrittenBytes:    {name: "written_bytes", help: "Payload bytes written", word: local(layout.WrittenBytes)},
	Reads:           {name: "reads", help: "Frames read and verified", word: local(layout.Reads)},
	ReadBytes:       {name: "read_bytes", help: "Payload bytes read and verified", word: local(layout.ReadBytes)},
	Overwritten:     {name: "overwritten", help: "Timeouts because the ring had overwritten the frame", word: local(layout.Overwritten), old: "reused"},
	Altered:         {name: "altered", help: "Timeouts because the bytes did not match their checksum", word: local(layout.Altered)},
	RemoteReads:     {name: "remote_reads", help: "Frames of other hosts read and verified, over NATS", word: remote(layout.ExternalReads)},
	RemoteReadBytes: {name: "remote_read_bytes", help: "Payload bytes of other hosts read and verified, over NATS", word: remote(layout.ExternalBytes), old: "remote_bytes"},
	RemoteTimeouts:  {name: "remote_timeouts", help: "Frames of other hosts that were overwritten, altered or did not come, over NATS", word: remote(layout.ExternalTimeouts)},
}

func local(i int) func(layout.Slot) *atomic.Uint64 {
	return func(w layout.Slot) *atomic.Uint64 { return &w.Counters()[i] }
}

func remote(i int) func(layout.Slot) *atomic.Uint64 {
	return func(w layout.Slot) *atomic.Uint64 { return &w.External()[i] }
}

// String returns the counter's name, as it is in JSON: "read_bytes". Names of bytes end in "bytes".
func (c Counter) String() string { return counters[c].name }

// Help says what is counted, in a sentence without its full stop.
func (c Counter) Help() string { return counters[c].help }

// Counts are the values of all counters. They only grow as long as the segment lives. In JSON they
// are an object with a member for each counter.
type Counts [NumCounters]uint64

// Timeouts returns how many reads and writes failed because the frame was overwritten or altered.
func (n *Counts) Timeouts() uint64 { return n[Overwritten] + n[Altered] }

// load reads the counters of a slot.
func load(w layout.Slot) (n Counts) {
	for i := range n {
		n[i] = counters[i].word(w).Load()
	}
	return n
}

// plus returns the sum.
func (n Counts) plus(more Counts) Counts {
	for i := range n {
		n[i] += more[i]
	}
	return n
}

// MarshalJSON writes an object. Members that were renamed stand there under their old names too.
func (n Counts) MarshalJSON() ([]byte, error) {
	all := make(map[string]uint64, len(n)+2)
	for i := range n {
		all[counters[i].name] = n[i]
		if old := counters[i].old; old != "" {
			all[old] = n[i]
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Counts) UnmarshalJSON(text []byte) error {
	var all map[string]uint64
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for i := range n {
		n[i] = all[counters[i].name]
	}
	return nil
}

// Rates are the growth of all counters per second. In JSON they are an object with a member for each
// counter, and timeouts.
type Rates [NumCounters]float64

// Timeouts returns how many reads and writes fail in a second because the frame was overwritten or
// altered.
func (r *Rates) Timeouts() float64 { return r[Overwritten] + r[Altered] }

// ratesBetween returns how fast counts grew. Counts that went back, as in damaged memory or while a
// client detaches, have the rate 0.
func ratesBetween(from, to Counts, over Seconds) (r Rates) {
	for i := range r {
		r[i] = perSecond(from[i], to[i], over)
	}
	return r
}

// MarshalJSON writes an object.
func (r Rates) MarshalJSON() ([]byte, error) {
	all := make(map[string]float64, len(r)+1)
	for i := range r {
		all[counters[i].name] = r[i]
	}
	all["timeouts"] = r.Timeouts()
	return json.Marshal(all)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Rates) UnmarshalJSON(text []byte) error {
	var all map[string]float64
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for i := range r {
		r[i] = all[counters[i].name]
	}
	return nil
}

func perSecond(from, to uint64, over Seconds) float64 {
	if to <= from || over <= 0 {
		return 0
	}
	return float64(to-from) / float64(over)
}
