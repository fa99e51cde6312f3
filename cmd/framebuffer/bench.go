package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/bench"
)

type benchCmd struct {
	Quick  bool     `help:"Take a quarter of a minute; the figures scatter more."`
	Only   []string `help:"Measure only these parts: memory, frames, latency, streams, pages." placeholder:"PART,..."`
	Memory byteSize `help:"Most memory to use (default: half of what is free)." placeholder:"SIZE"`
	Size   byteSize `help:"Size of the large ring (default: eight times the L3)." placeholder:"SIZE"`
}

// Help is shown below the flags.
func (benchCmd) Help() string {
	return `Measures this machine in a minute: rings of its own, two more processes, no server. Keep
the machine idle. Contestants take turns; medians count. The text says what the figures
mean; --json has the same, each duration in seconds, with its tenth and ninetieth
percentile (low_seconds, high_seconds), by part:

  memory   What the machine can do. "copy in", "copy out": Go's copy into and
           out of memory as large as the ring, so that no cache has it.
           "streaming copy in" stores past the caches. "read only" loads.
           "random load" is one line from memory.
  frames   One process. "write" is Allocate and Write. "read" takes new
           memory, "read into" does not. "view" verifies in place, "view
           unverified" does not. "speed" is beside Go's copy: 1 is as fast, 2
           twice as fast.
  latency  Two processes, each on a core, from one's store until the other
           has it. "cache line" is one word. Where the reader polls or sleeps
           it is a frame through a topic: copied in, copied out and verified.
           "futex alone" is the system's share of a wake-up.
  streams  Frames from process to process, one written while one is read.
           "copied": in and out, verified. "in place": each line is stored to
           in the ring, read there and verified. "limit": a plain copy in and
           out, not verified. "stores" says how Write stores, cached or
           streaming, in which rings.
  pages    A frame written and read in a ring of huge pages and in one of
           small pages.

Two processes are "near" if a cache line comes from the other core sooner than from
memory, else "far"; hosts of virtual machines move cores between the two.

  framebuffer bench
  framebuffer bench --quick --only latency,streams
  framebuffer bench --json > bench.json`
}

// Run measures and prints the report.
func (c *benchCmd) Run(e *env) error {
	for _, part := range c.Only {
		if !slices.Contains(bench.Parts(), part) {
			return fmt.Errorf("%w: --only %q; the parts are %s", errUsage, part, strings.Join(bench.Parts(), ", "))
		}
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	// The socket's directory. If no directory can be created, the rings need none: they are sysv's.
	dir, err := os.MkdirTemp("", "framebuffer-bench-")
	if err == nil {
		defer os.RemoveAll(dir)
	}
	defer e.measuring(c.Quick)()
	report, err := bench.Run(e.ctx, bench.Config{
		Self: []string{self, "bench-part"}, Quick: c.Quick, Only: c.Only,
		Memory: int64(c.Memory), Size: int64(c.Size), Dir: dir,
	})
	if err != nil {
		return err
	}
	if e.json {
		return e.print(report, "")
	}
	if _, err := e.out.WriteString(report.Text(c.style(e))); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// measuring prints, if it takes long, how long it will take.
func (e *env) measuring(quick bool) (stop func()) {
	seconds := 60
	if quick {
		seconds = 15
	}
	return e.waitingFor(func() string { return fmt.Sprintf("the measurements, about %d s in all; Ctrl-C ends them", seconds) })
}

// style returns how the report looks on standard output.
func (c *benchCmd) style(e *env) bench.Style {
	s := bench.Style{Width: 80}
	if fd := int(e.out.Fd()); term.IsTerminal(fd) {
		if width, _, err := term.GetSize(fd); err == nil {
			s.Width = width
		}
		s.Bold = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return s
}

// benchPartCmd is the command of the benchmark's other processes.
type benchPartCmd struct {
	Part string `arg:""`
}

// Run does what the bench asks.
func (c *benchPartCmd) Run(*env) error {
	var p bench.Part
	if err := json.Unmarshal([]byte(c.Part), &p); err != nil {
		return fmt.Errorf("%w: part %q: %w", errUsage, c.Part, err)
	}
	return bench.RunPart(p)
}
