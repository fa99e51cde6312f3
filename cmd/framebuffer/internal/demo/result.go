package demo

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// Row is what became of the frames of one reader, or of all.
type Row struct {
	Who      string        `json:"who"`
	Frames   int           `json:"frames"`
	Bytes    float64       `json:"bytes_per_second"`
	P50      time.Duration `json:"p50_ns"`
	P99      time.Duration `json:"p99_ns"`
	Timeouts int           `json:"timeouts"`
	Wrong    int           `json:"wrong"`
}

// Result is the demo's end.
type Result struct {
	Rows       []Row         `json:"rows"` // the last is everybody
	Took       time.Duration `json:"took_ns"`
	Pictures   string        `json:"pictures"` // where they came from
	FrameSize  int           `json:"frame_size"`
	Ring       int64         `json:"ring"`
	Sent       int           `json:"sent"`       // descriptors sent to readers
	Unanswered int           `json:"unanswered"` // of those, without an outcome
	Failure    string        `json:"failure,omitempty"`
}

// result sums up what the parts reported.
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
	// Frames that the ring took back while they were being written: they never became a
	// descriptor, so no reader knows of them.
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

// err is nil if every frame that was sent came out identical or as a timeout, and some did.
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

// Table writes the result for people.
func (r Result) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tframes\tbytes/s\tlatency p50\tp99\ttimeouts\twrong bytes\t")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", row.Who, humanize.Comma(int64(row.Frames)),
			rate(row.Bytes), round(row.P50), round(row.P99), humanize.Comma(int64(row.Timeouts)), row.Wrong)
	}
	return t.Flush()
}

func rate(bytesPerSecond float64) string { return humanize.Bytes(uint64(bytesPerSecond)) + "/s" }

func round(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return d.Round(10 * time.Microsecond).String()
}
