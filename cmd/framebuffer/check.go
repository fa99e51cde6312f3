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
	return `Looks at the whole segment, also while others use it: the tables, every chunk, the
topics' queues and frames. What is not as it should be is told line by line, and
the exit status is 1. Frames that do not have the bytes that were published are
only counted: some process wrote over them, and their readers get a timeout.
How long it takes grows with the ring and its tables; a signal ends it at once.`
}

// errDisorder is the command's end if there are problems. The lines say which.
var errDisorder = errors.New("the segment is not in order: some process wrote over it, restart the server")

// Run prints what was found.
func (c *checkCmd) Run(e *env) error {
	client, err := (&reach{Key: c.text(), lookup: c.lookup}).direct(e, "framebuffer check")
	if err != nil {
		return err
	}
	defer client.Close()
	var at monitor.Progress
	stop := e.waitingFor(func() string { return "the look at the whole segment, which is at " + at.String() })
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
