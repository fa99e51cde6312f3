package bench

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// places returns the placements that a part's rows have.
func (w *writer) places(part string) (all []string) {
	for _, place := range []string{"", near, far} {
		for _, r := range w.report.Rows {
			if r.Part == part && r.Place == place {
				all = append(all, place)
				break
			}
		}
	}
	return all
}

// latency prints the part of that name.
func (w *writer) latency() {
	places := w.places(partLatency)
	if len(places) == 0 {
		return
	}
	w.heading("Two processes, one way", places...)
	for _, of := range []struct {
		text, name string
		bytes      int
	}{
		{"cache line", "line", line}, {"64 B, reader polls", "polling", line}, {"1 MiB, reader polls", "polling", mib},
		{"futex alone", "futex", line}, {"64 B, reader sleeps", "asleep", line}, {"1 MiB, reader sleeps", "asleep", mib},
	} {
		var cells []string
		for _, place := range places {
			cells = append(cells, w.cell(partLatency, of.name, of.bytes, w.ringOf(partLatency, of.name), place))
		}
		if strings.Trim(strings.Join(cells, ""), "-") != "" {
			w.line(of.text, cells...)
		}
	}
}

// ringOf returns the ring that rows of a name have.
func (w *writer) ringOf(part, name string) int64 {
	for _, r := range w.report.Rows {
		if r.Part == part && r.Name == name {
			return r.Ring
		}
	}
	return 0
}

// cell formats one row's median.
func (w *writer) cell(part, name string, bytes int, ring int64, place string) string {
	if r, ok := w.report.find(part, name, bytes, ring, place); ok {
		return short(r.duration())
	}
	return "-"
}

// streams prints the part of that name: a column for each ring and placement.
func (w *writer) streams() {
	places := w.places(partStreams)
	if len(places) == 0 {
		return
	}
	for _, n := range []int{hd, uhd} {
		w.stream(n, places)
	}
	w.stores()
}

// column is a ring, and where the processes were.
type column struct {
	ring  int64
	place string
}

// stream prints the streams of frames of n bytes.
func (w *writer) stream(n int, places []string) {
	var rings, below []string
	var columns []column
	for _, ring := range []int64{w.report.Small, w.report.Ring} {
		for _, place := range places {
			if _, ok := w.report.find(partStreams, "copied", n, ring, place); ok {
				rings, below = append(rings, humanize.IBytes(uint64(ring))), append(below, place)
				columns = append(columns, column{ring, place})
			}
		}
	}
	if len(columns) == 0 {
		return
	}
	w.heading("Stream of "+sizeName(n)+", a frame", rings...)
	w.line("", below...)
	for _, s := range streamed() {
		var cells []string
		for _, c := range columns {
			cells = append(cells, w.cell(partStreams, s.name, n, c.ring, c.place))
		}
		w.line(s.name, cells...)
	}
}

// stores prints how Write stores into each ring.
func (w *writer) stores() {
	last := ""
	for _, r := range w.report.Rows {
		if text := fmt.Sprintf("stores in a ring of %s: %s", humanize.IBytes(uint64(r.Ring)), r.Stores); r.Stores != "" && text != last {
			w.wrapped("", text)
			last = text
		}
	}
}
