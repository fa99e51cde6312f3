package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
)

const begins = `# What was measured, machine by machine

` + "`make bench`" + ` adds the machine that it runs on: its turns are in MACHINE.json, and this page is made of
all of these files (` + "`cd bench && go run ./page`" + `). Do not compare two columns of different commits.

**A host moves the cores of a virtual machine between turns, and that decides the order of rivals.** So a
probe stands before and after each turn: how long a cache line takes from one core to the other, one way, for ten
milliseconds. Where probes fall into classes, with a gap between their logarithms, they are *near* and *far*; *all*
says that there is one class. A turn counts where both its probes are of one class.

A cell is the median (lowest to highest tenth; number of turns) in nanoseconds, or in microseconds where it says so, and
in bold how many times the **limit**, which is plain C or Go that does the same to as many bytes in the same place: a word
and no payload checks, copies by libc's memcpy, by vector stores through the cache (cached), round it (streaming), or
round it on both sides; the best of them, which is named. It is not a bound: kernels that prefetch can pass it. What is marked † was measured beside our command, not by it.
`

// Page is the page of all machines.
func Page(all []*File) string {
	var b strings.Builder
	b.WriteString(begins)
	b.WriteString("\n" + machines(all))
	b.WriteString("\n## Where we lose\n\nEvery row in which another is faster than this library, or in which it misses its aim beside the limit;\nof rows with five turns or more at a place.\n")
	b.WriteString(Losses(all))
	for _, s := range sections() {
		if !slices.ContainsFunc(all, func(f *File) bool { return f.Sections[s.name] != nil }) {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n%s", s.title, s.text, table(all, s.name))
		if s.name == "topics" {
			b.WriteString(losts(all))
		}
	}
	b.WriteString(ends)
	return b.String()
}

const ends = `
## Runs of other commands

Each on one machine, which the page names: [by the number of clients, processes and bytes of the ring](../operations.md),
[from host to host](../hosts.md), [many hosts](../scale.md), [Python](../python.md), [how the kernels store](../stores.md),
[faults](../faults.md).
`

// section is one command's part of the page.
type section struct{ name, title, text string }

func sections() []section {
	return []section{
		{"topics", "Two processes and a topic", topicsText},
		{"handover", "Frames handed over one by one", handoverText},
		{"operations", "Single operations", operationsText},
	}
}

const topicsText = `One process publishes, the other subscribes; both poll, but for "asleep", each on a core of its own. A *ping* is filled in
place, published, viewed by the other, and answered likewise: one way. *Streams* are copied in and out, "ahead" is by
how many the writer may be before the reader; the ring is the memory that they go round. iceoryx has a pool, which
gives out again the chunk that was given back last, so that its frames stay in the cache as far as they fit. A *view* is one frame
looked at again and again; its limit reads every word. *Fan* is one process that publishes 64 B as fast as it can
to subscriptions in another, more threads than cores: time for one that is published.
`

const handoverText = `The clock stops when the reader has acknowledged that it has the bytes. Readers sleep and are woken through a socket, which
below 64 KiB is what the table shows; those of iceoryx poll. Only core-framebuffer and the original design verify. Rings
have 512 MiB, so that no frame is in a cache, but for iceoryx, which takes the chunk that was released last. Nothing of
iceoryx "in place" is copied.
`

const operationsText = `One process, round cold memory of 512 MiB; what is copied is shared memory of the same kind.
`

// machines is the table of what was measured on, and of which program.
func machines(all []*File) string {
	var b strings.Builder
	b.WriteString("| | CPU | L2, L3 | L3 shared by CPUs | virtual | where the cores were: a line, ns |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, f := range all {
		m := f.Machine
		var places []string
		for _, p := range f.places() {
			if p.Name != "" {
				places = append(places, fmt.Sprintf("%s %.0f (%.0f–%.0f)", p.Name, p.Line, p.Lowest, p.Highest))
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s, %s | %s | %s | %s |\n", f.Name, m.describe(),
			size(m.L2), size(m.L3), orElse(m.Sharing, "not known"), orElse(m.Hypervisor, "no"), orElse(strings.Join(places, "; "), "not probed"))
	}
	b.WriteString("\n| | | commit | kernel | Go | gcc | system | measured | by |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, f := range all {
		for _, name := range f.sections() {
			s := f.Sections[name]
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", f.Name, name, s.Commit, s.Kernel, s.Go, s.GCC, s.System, s.When.Format("2006-01-02"), s.By)
		}
	}
	for _, f := range all {
		for _, name := range f.sections() {
			for _, what := range f.Sections[name].LeftOut {
				fmt.Fprintf(&b, "\nLeft out on %s: %s.\n", f.Name, what)
			}
		}
	}
	return b.String()
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func size(n int) string {
	switch {
	case n == 0:
		return "not known"
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// losts says which share of frames was lost where they were counted.
func losts(all []*File) string {
	var b strings.Builder
	for _, f := range all {
		s := f.Sections["topics"]
		if s == nil {
			continue
		}
		var parts []string
		for _, r := range s.Rows {
			if len(r.Lost) > 0 {
				l := slices.Clone(r.Lost)
				slices.Sort(l)
				parts = append(parts, fmt.Sprintf("%s %.1f %%", strings.TrimPrefix(r.Task, "fan: "), 100*l[len(l)/2]))
			}
		}
		if len(parts) > 0 {
			fmt.Fprintf(&b, "\nLost in the fan, %s: %s. Every frame is counted: the run fails if received and lost are not what was published.\n", f.Name, strings.Join(parts, "; "))
		}
	}
	return b.String()
}

// farFrom returns the latency of a line from which on cores are far: lines of all machines are
// split at the widest gap between their logarithms. Without a gap as wide as between classes no
// cores are far.
func farFrom(all []*File) float64 {
	var lines []float64
	for _, f := range all {
		for _, p := range f.places() {
			if p.Line > 0 {
				lines = append(lines, p.Line)
			}
		}
	}
	slices.Sort(lines)
	widest, from := probe.Apart, math.Inf(1)
	for i := range max(0, len(lines)-1) {
		if w := lines[i+1] / lines[i]; w >= widest {
			widest, from = w, lines[i+1]
		}
	}
	return from
}
