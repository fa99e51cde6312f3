package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer/monitor"
)

type checkCmd struct {
	keyFlag
	lookup
}

// Help is shown below the flags.
func (checkCmd) Help() string {
	return `Checks the whole segment while other processes use it: the tables, every chunk, the queues
of topics and their frames. It prints a line for each problem, and then exits with status
1. Damaged frames are only counted: a process wrote over them, and their readers get a
timeout. The duration grows with the ring and its tables; a signal ends check at once.`
}

// errDisorder is the error of check if there are problems, which it has printed.
var errDisorder = errors.New("the segment is damaged: a process wrote over it, restart the server")

// Run prints what was found.
func (c *checkCmd) Run(e *env) error {
	client, err := (&reach{Key: c.text(), lookup: c.lookup}).direct(e, "framebuffer check")
	if err != nil {
		return err
	}
	defer client.Close()
	var at monitor.Progress
	stop := e.waitingFor(func() string { return "the check of the whole segment, which is at " + at.String() })
	r, err := monitor.Check(e.ctx, client, &at)
	stop()
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "problem: %s\n", text(p))
	}
	fmt.Fprintf(&b, "%d clients, %d chunks of %s, %s without a header, %d holds, %d topics with %d frames, %d of them damaged",
		r.Clients, r.Chunks, humanize.IBytes(r.Bytes), humanize.IBytes(r.Bare), r.Holds, r.Topics, r.Frames, r.Damaged)
	if err := e.print(r, b.String()); err != nil {
		return err
	}
	if len(r.Problems) > 0 {
		return errDisorder
	}
	return nil
}
