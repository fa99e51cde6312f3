package bench

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/charmbracelet/x/ansi"
)

// made is a report of a machine whose rows take these nanoseconds.
func made(m Machine, rows map[string]float64) *Report {
	r := &Report{Machine: m, Ring: 256 * mib, Small: 16 * mib}
	for name, ns := range rows {
		f := strings.Split(name, "/")
		row := Row{Part: f[0], Name: f[1], Bytes: line, Seconds: ns / 1e9, Turns: 9}
		switch f[0] {
		case partStreams:
			row.Bytes, row.Ring = hd, map[string]int64{"small": r.Small, "large": r.Ring}[f[3]]
			row.Place = f[2]
		case partLatency:
			row.Place = f[2]
		case partPages:
			row.Bytes, row.Ring = mib, 64*mib
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}

// Each machine is told what its figures mean.
func TestAdvise(t *testing.T) {
	two := Machine{CPUs: 2, L3: 32 * mib, L3Groups: [][]int{{0, 1}}}
	apart := Machine{CPUs: 4, L3: 32 * mib, L3Groups: [][]int{{0, 1}, {2, 3}}}
	for name, c := range map[string]struct {
		machine Machine
		rows    map[string]float64
		says    []string
	}{
		"one CPU":   {Machine{CPUs: 1}, nil, []string{"may use one CPU", "Let readers sleep"}},
		"container": {Machine{CPUs: 8, Quota: 1.5}, nil, []string{"the time of 1.5 CPU"}},
		"near":      {two, map[string]float64{"latency/line/near": 54, "memory/load": 110}, []string{"share a cache", "54 ns", "memory (110 ns)"}},
		"far":       {two, map[string]float64{"latency/line/far": 253, "memory/load": 110}, []string{"share no L3", "253 ns", "longer than from memory (110 ns)"}},
		"far, busy": {two, map[string]float64{"latency/line/far": 253, "memory/load": 310}, []string{"share no L3", "about as long as from memory."}},
		"moved":     {two, map[string]float64{"latency/line/far": 253, "latency/line/near": 54}, []string{"The host moves your CPUs", "54 ns", "253 ns", "9 of 18"}},
		"two L3s":   {apart, map[string]float64{"latency/line/far": 253, "latency/line/near": 54}, []string{"2 L3 caches", "taskset -c 0,1"}},
		"waiting":   {two, map[string]float64{"latency/asleep/near": 21000, "latency/futex/near": 19000, "latency/polling/near": 350}, []string{"after 21 µs", "19 µs", "after 350 ns"}},
		"ring gains": {two, map[string]float64{"streams/in place/near/small": 98e3, "streams/in place/near/large": 285e3, "streams/copied/near/small": 312e3, "streams/copied/near/large": 403e3},
			[]string{"A ring of 16 MiB fits your L3 of 32 MiB", "312 µs copied instead of 403 µs", "98 µs in place instead of 285 µs", "1 frame late, in the large one 42", "readers that keep up"}},
		"ring does not": {two, map[string]float64{"streams/copied/far/small": 412e3, "streams/copied/far/large": 403e3}, []string{"(far)", "gains nothing"}},
		"limited by memory": {two, map[string]float64{"streams/copied/near/large": 403e3, "streams/limit: Go's copy/near/large": 445e3, "streams/limit: streaming copy/near/large": 389e3},
			[]string{"limited by memory, not by verification", "403 µs", "389 µs"}},
		"verification": {two, map[string]float64{"streams/copied/near/large": 600e3, "streams/limit: Go's copy/near/large": 400e3}, []string{"50 % more"}},
		"pages help":   {two, map[string]float64{"pages/huge pages": 80e3, "pages/small pages": 100e3}, []string{"would help (serve --huge-pages)", "80 µs instead of 100 µs"}},
		"pages do not": {two, map[string]float64{"pages/huge pages": 98e3, "pages/small pages": 100e3}, []string{"would not help"}},
	} {
		r := made(c.machine, c.rows)
		r.advise()
		text := r.Text(Style{Width: 80})
		joined := strings.Join(strings.Fields(text), " ")
		for _, want := range c.says {
			if !strings.Contains(joined, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
		for l := range strings.Lines(text) {
			if ansi.StringWidth(l) > 80 {
				t.Errorf("%s: wider than 80: %q", name, l)
			}
		}
	}
}

// Figures that other programs have spoilt say so.
func TestBusy(t *testing.T) {
	stat := func(text string) usage {
		u, ok := used(fstest.MapFS{"proc/stat": {Data: []byte(text)}})
		if !ok {
			t.Fatalf("%q is not read", text)
		}
		return u
	}
	before := stat("cpu  100 100 100 1000 100 0 0 0 7 7\ncpu0 1 1 1\n")
	for text, says := range map[string]string{
		"cpu  1100 100 100 2000 100 0 0 0 7 7\n":    "",
		"cpu  1500 100 100 2000 100 0 0 0 7 7\n":    "Other programs took 17 %",
		"cpu  1100 100 100 2000 100 0 0 1000 7 7\n": "kept 33 %",
	} {
		r := &Report{}
		programs, host := others(before, stat(text), 10)
		r.adviseBusy(programs, host)
		if got := r.Text(Style{Width: 200}); strings.Contains(got, "Measure again") != (says != "") || !strings.Contains(got, says) {
			t.Errorf("%q: %q", text, got)
		}
	}
	for _, text := range []string{"", "cpu\n", "intr 1 2 3 4 5 6 7 8 9\n", "cpu a b c d e f g h\n"} {
		if u, ok := used(fstest.MapFS{"proc/stat": {Data: []byte(text)}}); ok {
			t.Errorf("%q: %+v", text, u)
		}
	}
}

// A report with headings in bold is the same without them.
func TestBold(t *testing.T) {
	r := made(Machine{CPUs: 2, CPU: "a \x1b[31mCPU"}, map[string]float64{"memory/copy in": 10})
	bold := r.Text(Style{Width: 100, Bold: true})
	if plain := r.Text(Style{Width: 100}); ansi.Strip(bold) != plain || bold == plain || strings.Contains(plain, "\x1b") {
		t.Errorf("%q\n%q", bold, plain)
	}
}
