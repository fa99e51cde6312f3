package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// Row are the frames of one reader, or of all.
type Row struct {
	Who      string        `json:"who"` // "reader 1", "slow reader" or "all"
	Frames   int           `json:"frames"`
	Bytes    float64       `json:"bytes_per_second"`
	P50      time.Duration `json:"p50_ns"` // deprecated in JSON, as is p99_ns
	P99      time.Duration `json:"p99_ns"`
	Timeouts int           `json:"timeouts"`
	Wrong    int           `json:"wrong"`
}

// MarshalJSON adds the durations in seconds.
func (r Row) MarshalJSON() ([]byte, error) {
	type plain Row
	return json.Marshal(struct {
		plain
		P50 float64 `json:"p50_seconds"`
		P99 float64 `json:"p99_seconds"`
	}{plain(r), r.P50.Seconds(), r.P99.Seconds()})
}

// Result is the outcome of a demo.
type Result struct {
	Rows       []Row         `json:"rows"`     // the last is of all readers
	Took       time.Duration `json:"took_ns"`  // deprecated in JSON
	Pictures   string        `json:"pictures"` // their source
	FrameSize  int           `json:"frame_size"`
	Ring       int64         `json:"ring"`
	Sent       int           `json:"sent"`       // descriptors sent to readers
	Unanswered int           `json:"unanswered"` // of those, without an outcome
	Failure    string        `json:"failure,omitempty"`
}

// MarshalJSON adds the duration in seconds.
func (r Result) MarshalJSON() ([]byte, error) {
	type plain Result
	return json.Marshal(struct {
		plain
		Took float64 `json:"took_seconds"`
	}{plain(r), r.Took.Seconds()})
}

// result sums up the reports of the parts.
func (s *show) result(took time.Duration) Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	res := Result{Took: took, Pictures: s.what, FrameSize: Width * Height * bpp, Ring: s.cfg.Size}
	var all, written Counts
	for _, p := range s.parts {
		p.mu.Lock()
		c := p.count
		p.mu.Unlock()
		switch p.part.Role {
		case "writer":
			written.add(c)
		case "reader":
			res.Rows = append(res.Rows, row(fmt.Sprintf("reader %d", p.part.Index), c, took))
			all.add(c)
		case "slow":
			res.Rows = append(res.Rows, row("slow reader", c, took))
			all.add(c)
		}
	}
	// Frames that were overwritten while a writer wrote them: no reader got their descriptor.
	all.Timeouts += written.Timeouts
	res.Rows = append(res.Rows, row("all", all, took))
	res.Sent = written.Sent + written.SentSlow
	res.Unanswered = written.Unanswered + res.Sent - (all.read() - written.Timeouts)
	res.Failure = written.Failure
	if res.Failure == "" {
		res.Failure = all.Failure
	}
	return res
}

// row are the frames of one reader.
func row(who string, c Counts, took time.Duration) Row {
	return Row{
		Who: who, Frames: c.read(), Timeouts: c.Timeouts, Wrong: c.Wrong,
		Bytes: float64(c.Same) * Width * Height * bpp / took.Seconds(),
		P50:   quantile(c.Latency, 0.50), P99: quantile(c.Latency, 0.99),
	}
}

// quantile returns the q-quantile of samples, 0 for none.
func quantile(samples []int64, q float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	return time.Duration(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)])
}

// err is nil if every frame that was sent was identical or a timeout, and at least one was
// identical.
func (r Result) err() error {
	total := r.Rows[len(r.Rows)-1]
	switch {
	case total.Wrong > 0:
		return fmt.Errorf("%w: %d frames held other bytes than were written", ErrFailed, total.Wrong)
	case r.Failure != "":
		return fmt.Errorf("%w: %s", ErrFailed, r.Failure)
	case r.Unanswered != 0:
		return fmt.Errorf("%w: %d of %d frames have no outcome", ErrFailed, r.Unanswered, r.Sent)
	case total.Frames == total.Timeouts:
		return fmt.Errorf("%w: no frame arrived at all", ErrFailed)
	}
	return nil
}

// Table writes the result as a table.
func (r Result) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tframes\tbytes/s\tlatency p50\tp99\ttimeouts\twrong bytes\t")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", row.Who, humanize.Comma(int64(row.Frames)),
			rate(row.Bytes), round(row.P50), round(row.P99), humanize.Comma(int64(row.Timeouts)), row.Wrong)
	}
	return t.Flush()
}

// rate is a rate for people.
func rate(bytesPerSecond float64) string { return humanize.Bytes(uint64(bytesPerSecond)) + "/s" }

// round is a latency for people.
func round(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return d.Round(10 * time.Microsecond).String()
}
