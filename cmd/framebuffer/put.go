package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/harmless"
)

type putCmd struct {
	Files []string `arg:"" name:"file" help:"Files to write into the ring; - is standard input."`
	reach
}

// Help is shown below the flags.
func (putCmd) Help() string {
	return `Prints one line of JSON for each file: the frame, which says where the bytes are
and what their checksum is. Any process on this host can turn the frame back into the
bytes with get, until the ring overwrites them.

  framebuffer put photo.jpg > frame.json
  framebuffer get - < frame.json > same.jpg`
}

// Run writes the files and prints their frames.
func (c *putCmd) Run(e *env) error {
	if slices.Contains(c.Files, "-") {
		if err := c.Key.notBesideData(); err != nil {
			return err
		}
	}
	client, err := c.attach(e)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, name := range c.Files {
		f, err := put(client, e.in, name)
		if err != nil {
			return fmt.Errorf("put %s: %w", name, err)
		}
		if _, err := fmt.Fprintln(e.out, harmless.Lines(f.String())); err != nil { // JSON with and without --json
			return fmt.Errorf("put %s: %w", name, err)
		}
	}
	return nil
}

// put writes a file into the ring.
func put(client ring, in io.Reader, name string) (framebuffer.Frame, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return framebuffer.Frame{}, err
		}
		defer f.Close()
		in = f
	}
	data, err := readAll(in, int64(client.Stats().Capacity))
	if err != nil {
		return framebuffer.Frame{}, err
	}
	return client.Put(data)
}

// readAll reads in to its end, but at most one byte more than most, which shows that it is too
// large.
func readAll(in io.Reader, most int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(in, most+1))
}
