package main

import (
	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer/internal/harmless"
	"github.com/core-framebuffer/framebuffer/topic"
)

type topicsCmd struct{ reach }

// Help is shown below the flags.
func (topicsCmd) Help() string {
	return `BEHIND is how many frames a subscriber has still to look at, LOST how many were
overwritten before it did. A group's frames go to one of its members each.`
}

// Run prints a table, or with --json a line for each topic.
func (c *topicsCmd) Run(e *env) error {
	client, err := c.direct(e, "framebuffer topics")
	if err != nil {
		return err
	}
	defer client.Close()
	all, err := topic.List(client)
	if err != nil {
		return err
	}
	if len(all) == 0 && !e.json {
		e.log.Warn("this server has no topics yet: publish one with framebuffer pub TOPIC < FILE")
	}
	return printAll(e, all, topicsTable)
}

func topicsTable(all []topic.Info) string {
	var w columns
	w.row("TOPIC\tFRAMES\tBYTES\tREADER\tRECEIVED\tBEHIND\tLOST")
	for _, t := range all {
		name := text(t.Name)
		if t.Ended {
			name += " (ended)"
		}
		w.row("%s\t%d\t%s\t\t\t\t", name, t.Published, humanize.Bytes(t.Bytes))
		for _, s := range t.Subscribers {
			w.row("\t\t\t%s, pid %d\t%d\t%d\t%d", text(s.Name), s.PID, s.Received, s.Behind, s.Lost)
		}
		for _, g := range t.Groups {
			w.row("\t\t\tgroup %s\t\t%d\t", text(g.Name), g.Behind)
		}
	}
	return w.String()
}

// text is a name, or other text of another process, on one line of a terminal.
func text(s string) string { return harmless.Text(s) }
