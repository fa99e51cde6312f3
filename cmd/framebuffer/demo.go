package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/demo"
	"github.com/core-framebuffer/framebuffer/monitor"
)

type demoCmd struct {
	Source   string        `arg:"" optional:"" type:"path" help:"Folder of pictures, or a video (needs ffmpeg), to send (default: the pictures that come with Go)."`
	Duration time.Duration `default:"5s" help:"How long to send (default ${default})."`
	Size     byteSize      `default:"128MiB" help:"Bytes in the ring (default ${default})." placeholder:"SIZE"`
	Writers  int           `default:"2" help:"Number of writers (default ${default})." placeholder:"N"`
	Readers  int           `default:"2" help:"Number of readers that keep up (default ${default})." placeholder:"N"`
	HTTP     string        `name:"http" default:"127.0.0.1:0" help:"Address of the page (default ${default}: any free port)." placeholder:"ADDR"`
	Save     string        `type:"existingdir" help:"Folder in which the first reader saves the last picture that it read." placeholder:"DIR"`
}

// Help is shown below the flags.
func (demoCmd) Help() string {
	return `Starts a server, writers, readers and one reader that is slow on purpose, each a process
of its own. Each writer allocates through the server, writes a picture, and sends its
descriptor to a reader, which compares every byte with the original. The demo prints the
address of a page that shows this in a browser. The status is 0 only if every frame was
either identical or a timeout.

  framebuffer demo
  framebuffer demo ~/Pictures --duration 30s`
}

// maxParts limits the processes, so that a typing error does not start a thousand.
const maxParts = 64

// Run shows the demo.
func (c *demoCmd) Run(e *env) error {
	if c.Writers < 1 || c.Readers < 1 || c.Writers > maxParts || c.Readers > maxParts {
		return fmt.Errorf("%w: %d writers and %d readers; each must be 1 to %d", errUsage, c.Writers, c.Readers, maxParts)
	}
	if c.Duration <= 0 {
		return fmt.Errorf("%w: a duration of %v; it must be more than 0", errUsage, c.Duration)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	cfg := demo.Config{
		Self: []string{self, "demo-part"}, Duration: c.Duration, Writers: c.Writers, Readers: c.Readers,
		Size: int64(c.Size), Source: c.Source, Save: c.Save,
	}
	if !e.json {
		cfg.Screen = demo.NewScreen(e.out.File)
		cfg.Watch = func(key string) (*demo.Watcher, error) { return c.watch(e, key) }
	}
	res, err := demo.Run(e.ctx, cfg)
	if res.Rows == nil {
		return err
	}
	if e.json {
		if printErr := e.print(res, ""); printErr != nil {
			return printErr
		}
		return err
	}
	if tableErr := res.Table(e.out); tableErr != nil {
		return fmt.Errorf("demo: %w", tableErr)
	}
	if err == nil {
		_, err = fmt.Fprintln(e.out, "\nEvery frame was either identical to the original or a timeout.")
	}
	return err
}

// watch serves the page of the demo's ring, and returns its address and figures.
func (c *demoCmd) watch(e *env, key string) (*demo.Watcher, error) {
	page, err := startHTTP(e, key, c.HTTP, "")
	if err != nil { // the demo works without a page
		fmt.Fprintf(e.out, "No page: %s\n", err.Error())
		return &demo.Watcher{Figures: func() string { return "" }, End: func() error { return nil }}, nil
	}
	return &demo.Watcher{
		Page: page.url,
		Figures: func() string {
			s, err := page.monitor.Snapshot()
			if err != nil {
				return ""
			}
			return fmt.Sprintf("horizon %s, worst %s; in %s, out %s; %.1f laps",
				s.Horizon.Now, s.Horizon.Worst, perSecond(s.Rates[monitor.WrittenBytes]), perSecond(s.Rates[monitor.ReadBytes]), s.Laps)
		},
		End: page.end,
	}, nil
}

// demoPartCmd is the command of the demo's processes.
type demoPartCmd struct {
	Part string `arg:""`
}

// Run plays the part.
func (c *demoPartCmd) Run(e *env) error {
	var p demo.Part
	if err := json.Unmarshal([]byte(c.Part), &p); err != nil {
		return fmt.Errorf("%w: part %q: %w", errUsage, c.Part, err)
	}
	return demo.RunPart(e.ctx, p)
}
