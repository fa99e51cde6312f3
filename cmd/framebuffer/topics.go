package main

import (
	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer/internal/harmless"
	"github.com/core-framebuffer/framebuffer/monitor"
)

type topicsCmd struct{ reach }

// Help is shown below the flags.
func (topicsCmd) Help() string {
	return `LAG is how many published frames a subscription has not taken yet, LOST how many
were overwritten before it did. Each frame of a group goes to one of its members.`
}

// Run prints a table, or with --json a line for each topic.
func (c *topicsCmd) Run(e *env) error {
	client, err := c.direct(e, "framebuffer topics")
	if err != nil {
		return err
	}
	defer client.Close()
	all, err := monitor.Topics(client)
	if err != nil {
		return err
	}
	if len(all) == 0 && !e.json {
		e.log.Warn("this server has no topics yet: publish one with framebuffer pub TOPIC < FILE")
	}
	lines := make([]topicLine, len(all))
	for i := range all {
		lines[i] = lineOf(&all[i])
	}
	return printAll(e, lines, topicsTable)
}

// topicLine is the JSON form of a topic: that of package monitor, without rates, because one
// snapshot has none, and with members by their names of the release before.
type topicLine struct {
	*monitor.Topic
	FrameRate   *float64         `json:"frame_rate,omitempty"`
	ByteRate    *float64         `json:"byte_rate,omitempty"`
	Subscribers []subscriberLine `json:"subscribers"`
	Groups      []groupLine      `json:"groups"`
	OldBytes    uint64           `json:"bytes"`
}

type subscriberLine struct {
	monitor.Subscriber
	OldLag uint64 `json:"behind"`
}

type groupLine struct {
	monitor.Group
	OldLag uint64 `json:"behind"`
}

// lineOf converts a topic to its JSON form.
func lineOf(t *monitor.Topic) topicLine {
	line := topicLine{Topic: t, Subscribers: []subscriberLine{}, Groups: []groupLine{}, OldBytes: t.Bytes}
	for _, s := range t.Subscribers {
		line.Subscribers = append(line.Subscribers, subscriberLine{s, s.Lag})
	}
	for _, g := range t.Groups {
		line.Groups = append(line.Groups, groupLine{g, g.Lag})
	}
	return line
}

// topicsTable formats a table of topics, with their subscribers and groups.
func topicsTable(all []topicLine) string {
	var w columns
	w.row("TOPIC\tFRAMES\tBYTES\tREADER\tRECEIVED\tLAG\tLOST")
	for _, line := range all {
		t := line.Topic
		name := text(t.Name)
		if t.Ended {
			name += " (ended)"
		}
		w.row("%s\t%d\t%s\t\t\t\t", name, t.Published, humanize.Bytes(t.Bytes))
		for _, s := range t.Subscribers {
			w.row("\t\t\t%s, pid %d\t%d\t%d\t%d", text(s.Name), s.PID, s.Received, s.Lag, s.Lost)
		}
		for _, g := range t.Groups {
			w.row("\t\t\tgroup %s\t\t%d\t", text(g.Name), g.Lag)
		}
	}
	return w.String()
}

// text makes a name, or other text of another process, safe to print on one line of a terminal.
func text(s string) string { return harmless.Text(s) }
