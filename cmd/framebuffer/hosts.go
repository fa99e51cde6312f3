package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer/remote"
)

type hostsCmd struct {
	Host   []string `arg:"" optional:"" help:"List only hosts or servers with these names."`
	Topics bool     `short:"t" help:"Also list the topics and mirrors of each host."`
	lookup
}

// Help is shown below the flags.
func (hostsCmd) Help() string {
	return `Asks all servers that the NATS of this host's server reaches, or the one at --nats,
also through clusters, leaf nodes and gateways. Without names it lists at most 1000
servers, and says if there are more.

  RTT       how long the answer took
  SIGNS AS  the public key that the server claims; --trust needs the one that
            serve prints on that host

Any NATS client can ask the same question:

  nats req framebuffer.about ""

--json prints one object on a line.`
}

// Run asks the hosts and prints their answers.
func (c *hostsCmd) Run(e *env) error {
	nc, err := c.dial(e)
	if err != nil {
		return err
	}
	defer nc.Close()
	all, err := remote.Hosts(e.ctx, nc, c.Host...)
	if err != nil && !errors.Is(err, remote.ErrTooMany) {
		return err
	}
	return errors.Join(printAll(e, all, func(all []remote.Host) string { return hostsText(all, c.Topics) }), err)
}

// hostsText formats a table of hosts; with topics, each host's topics and mirrors are below its
// line.
func hostsText(all []remote.Host, topics bool) string {
	var table columns
	signs := ""
	if slices.ContainsFunc(all, func(h remote.Host) bool { return h.SignsAs != "" }) {
		signs = "\tSIGNS AS"
	}
	table.row("HOST\tNAME\tID\tRING\tWRITTEN\tTOPICS\tRTT%s", signs)
	for _, h := range all {
		about := text(h.Err)
		if h.Err == "" {
			about = fmt.Sprintf("%s\t%s\t%d\t%v", humanize.IBytes(h.Capacity), humanize.Bytes(h.Written), len(h.Topics)+h.More, h.RTT.Round(10*time.Microsecond))
		}
		if h.SignsAs != "" {
			about += "\t" + text(h.SignsAs)
		}
		table.row("%s\t%s\t%s\t%s", text(h.Host), text(h.Name), text(h.ID), about)
	}
	if !topics {
		return table.String()
	}
	var b strings.Builder
	for i, line := range table.lines() {
		b.WriteString(line + "\n")
		if i > 0 {
			b.WriteString(hostTopics(all[i-1]))
		}
	}
	return b.String()
}

// hostTopics formats a host's topics and mirrors, each on a line.
func hostTopics(h remote.Host) string {
	var b strings.Builder
	for _, t := range h.Topics {
		said := many(int(t.Published), "frame")
		if t.Mirror || t.Copy {
			said += ", a mirror"
		}
		if t.Ended {
			said += ", ended"
		}
		fmt.Fprintf(&b, "  %s  %s\n", text(t.Name), said)
	}
	if h.More > 0 {
		fmt.Fprintf(&b, "  and %d more\n", h.More)
	}
	for _, m := range h.Mirrors {
		fmt.Fprintf(&b, "  mirror %s\n", mirrorText(m))
	}
	return b.String()
}
