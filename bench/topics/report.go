package main

import (
	"fmt"
	"strings"

	"github.com/core-framebuffer/framebuffer/bench/internal/samples"
)

// markdown is the report: what was wanted, and all figures.
func (r *results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Topics: latency, streams, fan-out\n\nMeasured %s on %s, %d rounds, by\n`cd bench && ./setup && go run ./topics`. Measurements take turns of 50 to 60 ms, one after the\n"+
		"other; two processes, each on a core of its own, before other work if the user may do that. The\n"+
		"machine is shared and noisy: beside the median stands the lowest tenth.\n\n", r.When.Format("2006-01-02"), r.Machine, r.Rounds)
	b.WriteString("| target | wanted | median | lowest tenth |\n| --- | ---: | ---: | ---: |\n")
	for _, t := range []struct {
		what, left, right string
		wanted            float64
	}{
		{"64 B in place : iceoryx", "ping 64 B", "ping 64 B, iceoryx", 1. / 3},
		{"1 MiB in place, ends touched : iceoryx", "ping 1 MiB, ends touched", "ping 1 MiB, ends touched, iceoryx", 1. / 3},
		{"64 B in place : a bare line and one of payload", "ping 64 B", "line, and one of payload", 2},
		{"1 MiB in place, ends touched : a bare line and one of payload", "ping 1 MiB, ends touched", "line, and one of payload", 2},
		{"asleep : a bare futex", "ping 64 B, asleep", "futex, bare", 1.3},
		{"stream 1080p, verified, 2 ahead, ring of 32 MiB : iceoryx", "stream 1080p, 2 ahead, 32 MiB", "stream 1080p, 2 ahead, iceoryx", 1 / 1.3},
		{"stream 1080p, verified, 2 ahead, ring of 64 MiB : iceoryx", "stream 1080p, 2 ahead, 64 MiB", "stream 1080p, 2 ahead, iceoryx", 1 / 1.3},
		{"stream 1080p, verified, 2 ahead, ring of 256 MiB : iceoryx", "stream 1080p, 2 ahead, 256 MiB", "stream 1080p, 2 ahead, iceoryx", 1 / 1.3},
		{"stream 1080p, verified, 8 ahead, ring of 64 MiB : iceoryx", "stream 1080p, 8 ahead, 64 MiB", "stream 1080p, 8 ahead, iceoryx", 1 / 1.3},
		{"stream 1080p, verified, 8 ahead, ring of 256 MiB : iceoryx", "stream 1080p, 8 ahead, 256 MiB", "stream 1080p, 8 ahead, iceoryx", 1 / 1.3},
		{"view, not verified, 4K : 64 KiB", "view 4K", "view 64 KiB", 1},
	} {
		if len(r.Samples[t.left]) > 0 && len(r.Samples[t.right]) > 0 {
			fmt.Fprintf(&b, "| %s, time | ≤ %.2f | %.2f | %.2f |\n", t.what, t.wanted,
				r.quantile(t.left, 0.5)/r.quantile(t.right, 0.5), r.quantile(t.left, 0.1)/r.quantile(t.right, 0.1))
		}
	}
	b.WriteString("\n" +
		"A line that goes from one core to the other takes half of `line, bare`: by where the host puts\n" +
		"the two cores, 15 to 250 ns. A ping needs three of those one after the other (the queue's word comes\n" +
		"to the publisher, goes to the subscriber, and tells where the frame is) and 200 to 300 ns of\n" +
		"instructions; the payload of the bare line lies beside its word and comes along with it. So the\n" +
		"nearer the cores are, the better we stand beside iceoryx and the worse beside the bare line: at\n" +
		"30 ns for a bare line, a ping takes seven times a bare line with payload.\n" +
		"\n`line`, `ping` and `futex` are one way, half of a round trip. A ping is a frame that is filled\n" +
		"in place, published, and viewed by the other; each stream's frame is copied in and copied out,\n" +
		"`ahead` is by how many the writer may be before the reader. The rings of streams have the size that\n" +
		"is said; iceoryx has a pool, which gives out again the chunk that was given back last, so that its\n" +
		"frames stay in the cache as far as they fit.\n\n" +
		"| nanoseconds for one | median | lowest tenth |\n| --- | ---: | ---: |\n")
	fan := false
	for _, n := range r.order {
		if len(r.Lost[n]) > 0 {
			fan = true
			continue
		}
		fmt.Fprintf(&b, "| %s | %.0f | %.0f |\n", n, r.quantile(n, 0.5), r.quantile(n, 0.1))
	}
	if !fan {
		return b.String()
	}
	b.WriteString("\nOne process publishes 64 B as fast as it can, without waiting; one subscribes, each\n" +
		"subscription and each publisher a thread, more than there are cores. Those that fall behind lose\n" +
		"frames: every one is counted, and the run fails if received and lost are not what was published.\n\n" +
		"| | published a second | lost |\n| --- | ---: | ---: |\n")
	for _, n := range r.order {
		if lost := r.Lost[n]; len(lost) > 0 {
			fmt.Fprintf(&b, "| %s | %.0f | %.1f %% |\n", strings.TrimPrefix(n, "fan: "), 1e9/r.quantile(n, 0.5), 100*samples.Quantile(lost, 0.5))
		}
	}
	return b.String()
}
