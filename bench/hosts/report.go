package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
	"github.com/core-framebuffer/framebuffer/bench/internal/samples"
)

// results are samples by what was measured, one for each round: bytes a second, nanoseconds
// of processor time for a byte, seconds of latency, frames a second.
type results struct {
	Machine string               `json:"machine"`
	When    time.Time            `json:"when"`
	Rounds  int                  `json:"rounds"`
	Samples map[string][]float64 `json:"samples"`

	moved []string
}

func newResults(rounds int) *results {
	return &results{Machine: machine.Name(), When: time.Now().UTC(), Rounds: rounds, Samples: map[string][]float64{}}
}

func (r *results) add(name string, samples ...float64) {
	r.Samples[name] = append(r.Samples[name], samples...)
}

// Where the process runs whose latency is taken.
const (
	sharedCore = "all share the cores"
	ownCore    = "a core is theirs"
)

// company is who else gets the frames: readers in another process of the same host, and hosts.
var company = []struct {
	name             string
	readers, mirrors int
}{{"no reader", 0, 0}, {"a reader here", 1, 0}, {"one host", 0, 1}, {"two hosts", 0, 2}}

// wantedRates are what publishers want together, frames a second; 0 is as fast as they can.
var wantedRates = []int{5000, 0}

func latencyOf(where, with string) string { return "latency: " + where + ", " + with }

func rateOf(wanted int, where, with string) string {
	return fmt.Sprintf("many: %d a second, %s, %s", wanted, where, with)
}

// transfer has a host move a burst, and counts what it took; not in the round that warms up.
func (r *results) transfer(name string, round int, by *hostProcess, o order, hosts []*hostProcess) error {
	before, err := processorTime(hosts)
	if err != nil {
		return err
	}
	a, err := by.do(o)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	after, err := processorTime(hosts)
	if err != nil || round < 0 {
		return err
	}
	if !slices.Contains(r.moved, name) {
		r.moved = append(r.moved, name)
	}
	r.add("rate: "+name, burst*frameSize/a.Seconds)
	r.add("cpu: "+name, (after-before)*1e9/(burst*frameSize))
	return nil
}

// processorTime is what all hosts have taken, seconds.
func processorTime(hosts []*hostProcess) (all float64, err error) {
	for _, h := range hosts {
		a, err := h.do(order{Do: "cpu"})
		if err != nil {
			return 0, err
		}
		all += a.CPU
	}
	return all, nil
}

func (r *results) quantile(name string, q float64) float64 {
	return samples.Quantile(r.Samples[name], q)
}

// best is the bare payload whose median moves most.
func (r *results) best() string {
	if len(r.moved) == 0 {
		return ""
	}
	return slices.MaxFunc(r.moved, func(a, b string) int {
		rate := func(name string) float64 {
			if !strings.HasPrefix(name, "bare") {
				return 0
			}
			return r.quantile("rate: "+name, 0.5)
		}
		return int(rate(a) - rate(b))
	})
}

func (r *results) markdown() string {
	var b strings.Builder
	best := r.best()
	fmt.Fprintf(&b, "# From host to host\n\nMeasured %s on %s, %d rounds, by\n`cd bench && go run ./hosts` as root. Hosts are processes in network namespaces on this one machine, "+
		"each\nwith a NATS server of one cluster: their senders, receivers and NATS servers share its cores, and no line\nis in the way. Measurements take turns; medians.\n\n", r.When.Format("2006-01-02"), r.Machine, r.Rounds)
	fmt.Fprintf(&b, "A burst is %d frames of 1080p RGB, %d bytes each, or as many bytes in payloads that nats.go publishes and\nsubscribes to, with nothing checked. Frames are verified on arrival. NATS is beside the server, and all reach it over\nTCP, or inside of it, as it is by default, where bare payloads still take TCP, and frames do not. Of bare payloads the best size is %s.\n\n", burst, frameSize, strings.TrimPrefix(best, "bare "))
	b.WriteString("| a burst from one host to another | MB/s | of the best bare (wanted: ≥ 0.70) | CPU, all hosts, ns/byte |\n| --- | ---: | ---: | ---: |\n")
	for _, name := range r.moved {
		rate := r.quantile("rate: "+name, 0.5)
		fmt.Fprintf(&b, "| %s | %.0f | %.2f | %.2f |\n", name, rate/1e6, rate/r.quantile("rate: "+best, 0.5), r.quantile("cpu: "+name, 0.5))
	}
	b.WriteString("\nIn the other tables a process of the first host publishes, on the first core; all hosts and their NATS\nservers leave that core alone, or do not. The columns say which other readers get the frames: readers in another process of the\nsame host, or hosts that mirror the topics.\n" +
		"\n1080p RGB at 30 a second; µs until a reader in the same process has each, median and highest tenth:\n\n")
	var others []string
	for _, with := range company {
		others = append(others, with.name)
	}
	table(&b, []string{ownCore, sharedCore}, others, func(where string, with int) string {
		name := latencyOf(where, others[with])
		return fmt.Sprintf("%.0f, %.0f", 1e6*r.quantile(name, 0.5), 1e6*r.quantile(name, 0.9))
	})
	for _, rate := range wantedRates {
		wanted := "as fast as it can"
		if rate > 0 {
			wanted = fmt.Sprintf("%d frames a second wanted", rate)
		}
		fmt.Fprintf(&b, "\n4 KiB to %d topics in turn, %s; thousands of frames a second:\n\n", manyCount, wanted)
		table(&b, []string{ownCore, sharedCore}, others, func(where string, with int) string {
			return fmt.Sprintf("%.2f", r.quantile(rateOf(rate, where, others[with]), 0.5)/1000)
		})
	}
	fmt.Fprintf(&b, "\nA mesh: each of the %d hosts publishes 4 KiB to its share of %d topics, on the first core, at the same time.\n"+
		"Each topic is mirrored by none of the others, by one, or by all; thousands of frames a second of all publishers\ntogether, paced and as fast as they can:\n\n", hostCount, manyCount)
	table(&b, []string{ownCore, sharedCore}, []string{"no mirrors", "one", "two"}, func(where string, copies int) string {
		var rates []string
		for _, wanted := range wantedRates {
			rates = append(rates, fmt.Sprintf("%.2f", r.quantile(meshOf(wanted, where, copies), 0.5)/1000))
		}
		return strings.Join(rates, ", ")
	})
	return b.String()
}

// table has a row and a column for each name.
func table(b *strings.Builder, rows, columns []string, cell func(row string, column int) string) {
	b.WriteString("| | " + strings.Join(columns, " | ") + " |\n| --- |" + strings.Repeat(" ---: |", len(columns)) + "\n")
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |", row)
		for column := range columns {
			b.WriteString(" " + cell(row, column) + " |")
		}
		b.WriteString("\n")
	}
}
