package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer/service"
)

type hostsCmd struct {
	Topics bool `short:"t" help:"List the topics of each host as well, and what its server mirrors."`
	lookup
}

// Help is shown below the flags.
func (hostsCmd) Help() string {
	return `Asks all servers that the NATS of this host's server reaches, or that at --nats:
a cluster, leaf nodes and gateways included. RTT is how long the answer took.
What they answer anybody can ask for: nats req framebuffer.about ''.

--json prints one object a line.`
}

// Run asks and prints.
func (c *hostsCmd) Run(e *env) error {
	nc, err := c.dial(e)
	if err != nil {
		return err
	}
	defer nc.Close()
	all, err := service.Hosts(e.ctx, nc)
	if err != nil {
		return err
	}
	if e.json {
		for _, h := range all {
			if err := e.print(h, ""); err != nil {
				return err
			}
		}
		return nil
	}
	return e.print(nil, strings.TrimRight(hostsText(all, c.Topics), "\n"))
}

func hostsText(all []service.Host, topics bool) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tNAME\tID\tRING\tWRITTEN\tTOPICS\tRTT")
	for _, h := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t", text(h.Host), text(h.Name), text(h.ID))
		if h.Err != "" {
			fmt.Fprintf(w, "%s\n", text(h.Err))
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%v\n", humanize.IBytes(h.Capacity), humanize.Bytes(h.Written), len(h.Topics), h.RTT.Round(10*time.Microsecond))
		if !topics {
			continue
		}
		for _, t := range h.Topics {
			ended := ""
			if t.Copy {
				ended = " (a copy)"
			}
			if t.Ended {
				ended += " (ended)"
			}
			fmt.Fprintf(w, "  %s%s\t%d frames\n", text(t.Name), ended, t.Published)
		}
		if h.More > 0 {
			fmt.Fprintf(w, "  and %d more\n", h.More)
		}
		for _, m := range h.Mirrors {
			fmt.Fprintf(w, "  mirror %s\n", mirrorText(m))
		}
	}
	_ = w.Flush() // into memory
	return b.String()
}
