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
	"github.com/core-framebuffer/framebuffer/service"
)

type getCmd struct {
	Frame  string `arg:"" help:"The frame's JSON as put printed it; - reads it from standard input, so that ps does not show the key in it."`
	Output string `short:"o" help:"File to write instead of standard output." placeholder:"FILE"`

	MaxSize byteSize `help:"Refuse a frame of more bytes than that, status 2. Default: what this machine has memory for, and status 5." placeholder:"SIZE"`
	trusting
	lookup
}

// Help is shown below the flags.
func (getCmd) Help() string {
	return `Attaches with the key in the frame, so no server is looked for. A frame of another
host is asked for over NATS: that of this host's server, or that at --nats. Writes
exactly the bytes that were put, by their checksum, or nothing: it exits with 3 when
the frame is gone, and with 4 when its server is. With --trust a frame of another
host that none of these servers has signed is refused, with 1; frames of this host
are not signed. A frame may come from anywhere: no memory is taken for what it
claims before its chunk was looked at, nor for more than --max-size.`
}

// maxFrameText bounds what is read as a frame: a key, three numbers and punctuation.
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
		return fmt.Errorf("%w: %.60q is no frame: give the line of JSON that put printed, or - to read it from standard input (framebuffer get - < FILE)", errUsage, text)
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
		return fmt.Errorf("%w: %d bytes that are no text would spoil this terminal: redirect them, or name a file with -o", errUsage, len(data))
	}
	if _, err := e.out.Write(data); err != nil {
		return fmt.Errorf("get: %w", err)
	}
	return nil
}

// read gets the frame's bytes, from wherever they are.
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
	if c.NATS == "" { // this host's server shows it in stat
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
			return nil, fmt.Errorf("%w; other hosts cannot be asked: %v", err, other) //nolint:errorlint // the first is what it is
		}
	}
	nc, other := c.dial(e)
	if other != nil {
		return nil, fmt.Errorf("%w (and other hosts cannot be asked: %w)", err, other)
	}
	defer nc.Close()
	reader := service.NewReader(nc, &service.ReaderOptions{Attach: opts, Trust: trust, Logger: e.log})
	defer reader.Close()
	data, other := reader.Get(e.ctx, f)
	return data, goneWith(err, other)
}

// goneWith is the error of asking other hosts for a frame that could not be attached to here. If
// no other has a server for it either, its server is gone: that is not the frame's own timeout.
func goneWith(here, there error) error {
	if errors.Is(here, framebuffer.ErrStaleKey) && errors.Is(there, framebuffer.ErrStaleKey) {
		return fmt.Errorf("%w; no other host has it", here)
	}
	return there
}

// printable reports whether data is text that a terminal shows and does not act on.
func printable(data []byte) bool {
	s := strings.ReplaceAll(string(data), "\r\n", "\n")
	return harmless.Lines(s) == s
}
