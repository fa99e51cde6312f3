package monitor

import (
	"context"
	"encoding/json"
	"runtime"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/integrity"
)

// Report is what [Check] found.
type Report struct {
	Problems []string `json:"problems"`         // what no order of steps and no crash explains
	Clients  int      `json:"clients"`          // attached, with a slot
	Chunks   int      `json:"chunks"`           // not overwritten yet, with a header
	Bytes    uint64   `json:"chunk_bytes"`      // of those
	Bare     uint64   `json:"headerless_bytes"` // allocated without a header: skipped for holds, left by a crash, or about to be written
	Holds    int      `json:"holds"`            // confirmed and not ended
	Topics   int      `json:"topics"`
	Frames   int      `json:"frames"`  // in queues and not overwritten yet
	Damaged  int      `json:"damaged"` // of those, and of held frames: they do not have the bytes that were published
}

// MarshalJSON writes an object. Members that were renamed stand there under their old names too: bytes
// and bare.
func (r Report) MarshalJSON() ([]byte, error) {
	type members Report
	return json.Marshal(struct {
		members
		OldBytes uint64 `json:"bytes"`
		OldBare  uint64 `json:"bare"`
	}{members(r), r.Bytes, r.Bare})
}

// Progress says where a running [Check] is. Its zero value is ready; its methods may be called
// concurrently with the check.
type Progress struct{ of integrity.Progress }

// String returns the part of the segment and the entry of it: "place 1048576 of 8192000".
func (p *Progress) String() string { return p.of.String() }

// Check compares a client's whole segment with what the protocols leave there. Other processes may
// use the segment meanwhile. How long it takes grows with the ring and its tables. It returns the
// context's error if that ends first. progress may be nil.
func Check(ctx context.Context, c *framebuffer.Client, progress *Progress) (*Report, error) {
	defer runtime.KeepAlive(c)
	if progress == nil {
		progress = new(Progress)
	}
	r, err := integrity.CheckContext(ctx, c.Segment(), &progress.of)
	if err != nil {
		return nil, err
	}
	if r.Problems == nil {
		r.Problems = []string{}
	}
	return &Report{
		Problems: r.Problems, Clients: r.Clients, Chunks: r.Chunks, Bytes: r.Bytes, Bare: r.Bare,
		Holds: r.Holds, Topics: r.Topics, Frames: r.Frames, Damaged: r.Damaged,
	}, nil
}
