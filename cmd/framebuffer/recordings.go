package main

import (
	"errors"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/record"
)

type recordingsCmd struct {
	Delete []string `sep:"none" help:"Delete this recording with all its frames, instead of listing; repeatable." placeholder:"NAME"`
	lookup
}

// Help is shown below the flags.
func (recordingsCmd) Help() string {
	return `Lists the recordings of framebuffer record, in the NATS of this host's server or the one
at --nats. SIZE is the space they take there, FROM and TO are when the oldest and newest
frames were recorded. The stream of a recording is FRAMES_NAME, in which %XX stands for a
character that a stream's name cannot have: nats stream ls lists them.

--json prints one object on a line.`
}

// Run lists or deletes recordings.
func (c *recordingsCmd) Run(e *env) error {
	nc, err := c.dial(e)
	if err != nil {
		return err
	}
	defer nc.Close()
	if len(c.Delete) > 0 {
		return deleteAll(e, nc, c.Delete)
	}
	all, err := record.List(e.ctx, nc)
	if err != nil {
		return err
	}
	return printAll(e, all, recordingsText)
}

// deleteAll deletes these recordings, and prints a line for each. It continues after an error, so
// that a missing recording does not keep the others from being deleted.
func deleteAll(e *env, nc *nats.Conn, names []string) error {
	var errs []error
	for _, name := range names {
		err := record.Delete(e.ctx, nc, name)
		if err == nil {
			e.remark("deleted", "deleted the recording "+text(name))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// recordingsText formats a table of recordings.
func recordingsText(all []record.Recording) string {
	var w columns
	w.row("NAME\tTOPIC\tFRAMES\tSIZE\tFROM\tTO\tLIMITS")
	for _, r := range all {
		var limits []string
		if r.MaxAge > 0 {
			limits = append(limits, r.MaxAge.String())
		}
		if r.MaxBytes > 0 {
			limits = append(limits, humanize.IBytes(uint64(r.MaxBytes)))
		}
		w.row("%s\t%s\t%d\t%s\t%s\t%s\t%s", text(r.Name), text(r.Topic), r.Frames, humanize.IBytes(r.Bytes), clock(r.First), clock(r.Last), strings.Join(limits, ", "))
	}
	return w.String()
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}
