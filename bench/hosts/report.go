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

func (r *results) add(name string, sample float64) {
	r.Samples[name] = append(r.Samples[name], sample)
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
}{{"nobody", 0, 0}, {"a reader here", 1, 0}, {"one host", 0, 1}, {"two hosts", 0, 2}}

func latencyOf(where, with string) string { return "latency: " + where + ", " + with }

// transfer has a host move a burst, and counts what it took; not in the round that warms up.
func (r *results) transfer(name string, round int, by *remote, o order, hosts []*remote) error {
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
func processorTime(hosts []*remote) (all float64, err error) {
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
		"each\nwith a NATS server of one cluster: their senders, receivers and NATS servers share its cores, and no line\nis in the way. Everybody takes turns; medians.\n\n", r.When.Format("2006-01-02"), r.Machine, r.Rounds)
	fmt.Fprintf(&b, "A burst is %d frames of 1080p RGB, %d bytes each, or as many bytes in payloads that nats.go publishes and\nsubscribes to, with nothing checked. Frames are verified on arrival. Of bare payloads the best size is %s.\n\n", burst, frameSize, strings.TrimPrefix(best, "bare "))
	b.WriteString("| a burst from one host to another | MB/s | of the best bare (wanted: ≥ 0.70) | CPU, all hosts, ns/byte |\n| --- | ---: | ---: | ---: |\n")
	for _, name := range r.moved {
		rate := r.quantile("rate: "+name, 0.5)
		fmt.Fprintf(&b, "| %s | %.0f | %.2f | %.2f |\n", name, rate/1e6, rate/r.quantile("rate: "+best, 0.5), r.quantile("cpu: "+name, 0.5))
	}
	b.WriteString("\nOne process publishes 1080p RGB at 30 a second and a subscription of its own host gets each, both on the\nfirst core; hosts and their NATS servers leave that core alone, or do not. Median and highest tenth.\n\n" +
		"| µs until a reader of the same host has it; who else gets it:")
	for _, with := range company {
		b.WriteString(" | " + with.name)
	}
	b.WriteString(" |\n| --- |" + strings.Repeat(" ---: |", len(company)) + "\n")
	for _, where := range []string{ownCore, sharedCore} {
		fmt.Fprintf(&b, "| %s |", where)
		for _, with := range company {
			name := latencyOf(where, with.name)
			fmt.Fprintf(&b, " %.0f, %.0f |", 1e6*r.quantile(name, 0.5), 1e6*r.quantile(name, 0.9))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n%d hosts fully meshed; one publishes 4 KiB to %d topics in turn, all of which the others mirror.\n\n| frames published a second, with mirrors on | no host | one | two |\n| --- | ---: | ---: | ---: |\n", hostCount, manyCount)
	for _, name := range []string{"5,000 a second wanted", "as fast as it can"} {
		fmt.Fprintf(&b, "| %s |", name)
		for mirrors := range hostCount {
			fmt.Fprintf(&b, " %.0f |", r.quantile(fmt.Sprintf("many: %s, %d mirrors", name, mirrors), 0.5))
		}
		b.WriteString("\n")
	}
	return b.String()
}
