package bench

import "time"

// Placements of two processes that are pinned to a CPU each: near if a cache line comes from one to
// the other sooner than from memory, else far.
const (
	near = "near"
	far  = "far"
)

// Report is the result of a benchmark. Durations are in seconds.
type Report struct {
	Machine Machine  `json:"machine"`
	Quick   bool     `json:"quick"`
	Took    float64  `json:"took_seconds"`
	Ring    int64    `json:"ring_bytes"`       // of the large ring
	Small   int64    `json:"small_ring_bytes"` // of the ring that fits the L3; 0 for none
	Rows    []Row    `json:"rows"`
	Skipped []Remark `json:"skipped"` // what was not measured, and why
	Notes   []Remark `json:"notes"`   // what the figures mean
}

// Row is one figure: the median of all turns, with the tenth and ninetieth percentile.
type Row struct {
	Part    string  `json:"part"`
	Name    string  `json:"name"`
	Bytes   int     `json:"frame_bytes"`
	Ring    int64   `json:"ring_bytes,omitempty"`
	Place   string  `json:"placement,omitempty"` // near or far, for two processes
	Seconds float64 `json:"seconds"`             // for one frame, one way
	Low     float64 `json:"low_seconds"`
	High    float64 `json:"high_seconds"`
	Turns   int     `json:"turns"`
	Rate    float64 `json:"bytes_per_second"`
	Stores  string  `json:"stores,omitempty"` // of streams: how the writer stored at the end; see framebuffer.Stats
}

// Remark is a sentence about a subject.
type Remark struct {
	About string `json:"about"`
	Text  string `json:"text"`
}

// find returns a row.
func (r *Report) find(part, name string, bytes int, ring int64, place string) (Row, bool) {
	for _, row := range r.Rows {
		if row.Part == part && row.Name == name && row.Bytes == bytes && row.Ring == ring && row.Place == place {
			return row, true
		}
	}
	return Row{}, false
}

// has reports whether a part has rows.
func (r *Report) has(part string) bool {
	for _, row := range r.Rows {
		if row.Part == part {
			return true
		}
	}
	return false
}

// skip notes that something was not measured.
func (r *Report) skip(about, why string) { r.Skipped = append(r.Skipped, Remark{about, why}) }

// note adds a sentence to what the figures mean.
func (r *Report) note(about, text string) { r.Notes = append(r.Notes, Remark{about, text}) }

// duration is a row's median.
func (r Row) duration() time.Duration { return time.Duration(r.Seconds * float64(time.Second)) }
