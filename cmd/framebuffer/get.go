package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/stdio"
	"github.com/core-framebuffer/framebuffer/internal/harmless"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
)

type getCmd struct {
	Frame  string `arg:"" help:"The frame, as the JSON that put printed; - reads it from standard input, where other users do not see the key in it."`
	Output string `short:"o" help:"Write to this file instead of standard output." placeholder:"FILE"`

	MaxSize byteSize `help:"Refuse a larger frame, with status 2 (default: refuse what this machine has no memory for, with status 5)." placeholder:"SIZE"`
	trusting
	lookup
}

// Help is shown below the flags.
func (getCmd) Help() string {
	return `Writes exactly the bytes that were put, verified by their checksum, or nothing. The
key in the frame says which ring to attach to. If that ring is not on this host, get
requests the frame over the NATS of this host's server, or over --nats.

  framebuffer put photo.jpg > frame.json
  framebuffer get - < frame.json > same.jpg
  framebuffer get - -o same.jpg < frame.json

Status 3 means that the frame was overwritten, status 4 that its server has ended. With
--trust, a frame from another host that no trusted server has signed is refused with
status 1; frames of this host are not signed. get allocates no memory for the size that
a frame claims before it has checked it.`
}

// maxFrameText is the size limit of a frame's JSON: a key, three numbers and punctuation.
const maxFrameText = 64 << 10

// Run reads the frame and writes its bytes.
func (c *getCmd) Run(e *env) (err error) {
	text := c.Frame
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(e.in, maxFrameText))
		if err != nil {
			return fmt.Errorf("get: %w", err)
		}
		text = string(b)
	} else if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return fmt.Errorf("%w: %.60q is not a frame: give the line of JSON that put printed, or - to read it "+
			"from standard input (framebuffer get - < FILE)", errUsage, text)
	}
	f, err := framebuffer.ParseFrame([]byte(text))
	if err != nil {
		return err
	}
	data, err := c.read(e, f)
	if err != nil {
		return err
	}
	if c.Output != "" {
		if err := stdio.WriteFile(c.Output, data, 0o644); err != nil {
			return fmt.Errorf("get: %w", err)
		}
		return nil
	}
	if term.IsTerminal(int(e.out.Fd())) && !printable(data) {
		return fmt.Errorf("%w: refusing to write binary data to a terminal: redirect standard output, or name a file with -o", errUsage)
	}
	if _, err := e.out.Write(data); err != nil {
		return fmt.Errorf("get: %w", err)
	}
	return nil
}

// read returns the frame's bytes, from this host or another one.
func (c *getCmd) read(e *env, f framebuffer.Frame) ([]byte, error) {
	trust, err := c.keys()
	if err != nil {
		return nil, err
	}
	opts := &framebuffer.ClientOptions{ReadOnly: true, Name: "framebuffer get", MaxFrame: int(c.MaxSize), Logger: e.log}
	client, err := framebuffer.Attach(f.Key, opts)
	if err == nil {
		defer client.Close()
		return client.Get(f)
	}
	if !errors.Is(err, framebuffer.ErrStaleKey) && !errors.Is(err, framebuffer.ErrPermission) {
		return nil, err
	}
	if c.NATS == "" { // through this host's server, whose stat counts remote reads
		connecting := c.options(e)
		connecting.Attach, connecting.Trust = opts, trust
		client, other := e.connect(connecting, c.quoted())
		if other == nil {
			defer client.Close()
			data, other := client.Get(e.ctx, f)
			return data, goneWith(err, other)
		}
		if errors.Is(other, errSignal) {
			return nil, other
		}
		if errors.Is(other, service.ErrNoServer) {
			return nil, fmt.Errorf("%w; other hosts cannot be reached: %v", err, other) //nolint:errorlint // callers see the first error
		}
	}
	nc, other := c.dial(e)
	if other != nil {
		return nil, fmt.Errorf("%w (and other hosts cannot be reached: %w)", err, other)
	}
	defer nc.Close()
	reader := remote.NewReader(nc, &remote.ReaderOptions{Attach: opts, Trust: trust, Logger: e.log})
	defer reader.Close()
	data, other := reader.Get(e.ctx, f)
	return data, goneWith(err, other)
}

// goneWith combines the errors of reading a frame on this host and over NATS. If no host has a
// server for it, the server is gone; that is not a timeout of the frame.
func goneWith(here, there error) error {
	if errors.Is(here, framebuffer.ErrStaleKey) && errors.Is(there, framebuffer.ErrStaleKey) {
		return fmt.Errorf("%w; no other host has it", here)
	}
	return there
}

// printable reports whether data is text without control characters.
func printable(data []byte) bool {
	s := strings.ReplaceAll(string(data), "\r\n", "\n")
	return harmless.Lines(s) == s
}
