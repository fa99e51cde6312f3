package top

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// worry is somebody who is too slow, or something else that goes wrong now.
type worry struct {
	level level
	text  string
	slot  int // of the client, or -1
	topic int // index of the topic, or -1
	group string
}

// What is near enough to a loss to be told before it happens.
const (
	shortHorizon = 1.0 // seconds
	lateClient   = 0.5 // of the ring allocated since the frame that it reads
	lateReader   = 0.5 // of the frames that the topic remembers
)

// worries are all of them, the worst first.
func worries(v *View) []worry {
	s := v.Snapshot
	var all []worry
	if s.State == monitor.Open && s.Horizon.Worst.Known() && float64(s.Horizon.Worst) < shortHorizon {
		all = append(all, worry{level: odd, slot: -1, topic: -1,
			text: fmt.Sprintf("frames lived for only %s in the last minute", s.Horizon.Worst)})
	}
	for i := range s.Clients {
		all = append(all, clientWorries(v, &s.Clients[i])...)
	}
	for i := range s.Topics {
		all = append(all, topicWorries(v, &s.Topics[i])...)
	}
	slices.SortStableFunc(all, func(a, b worry) int { return cmp.Compare(b.level, a.level) })
	return all
}

func clientWorries(v *View, c *monitor.Client) (all []worry) {
	add := func(l level, format string, args ...any) {
		all = append(all, worry{level: l, slot: c.Slot, topic: -1, text: who(c.Name, c.PID) + " " + fmt.Sprintf(format, args...)})
	}
	if c.Rates.Timeouts > 0 {
		add(bad, "has %s timeouts/s", rate(c.Rates.Timeouts))
	}
	if n := c.Counts.Altered - altered(v.Before, c); n > 0 && v.Before != nil {
		add(bad, "read %s frames with wrong bytes", count(n))
	}
	switch c.Process {
	case monitor.ProcessGone:
		add(bad, "is gone without leaving")
	case monitor.ProcessStopped:
		add(bad, "is stopped")
	}
	if c.Rates.Reads > 0 && float64(c.Lag) > lateClient*float64(v.Snapshot.Capacity) {
		add(odd, "reads frames of %s of the ring ago", percent(c.Lag, v.Snapshot.Capacity))
	}
	return all
}

func topicWorries(v *View, t *monitor.Topic) (all []worry) {
	for i := range t.Subscribers {
		r := &t.Subscribers[i]
		w := worry{slot: r.Slot, topic: t.Index}
		switch {
		case losing(v, t, r) > 0:
			w.level, w.text = bad, fmt.Sprintf("%s loses %s frames/s of %s", who(r.Name, r.PID), rate(losing(v, t, r)), t.Name)
		case late(r.Lag, t.Depth):
			w.level, w.text = odd, fmt.Sprintf("%s is %s frames behind in %s", who(r.Name, r.PID), count(r.Lag), t.Name)
		default:
			continue
		}
		all = append(all, w)
	}
	for _, g := range t.Groups {
		if late(g.Lag, t.Depth) {
			all = append(all, worry{level: odd, slot: -1, topic: t.Index, group: g.Name,
				text: fmt.Sprintf("group %s is %s frames behind in %s", g.Name, count(g.Lag), t.Name)})
		}
	}
	return all
}

func late(lag, depth uint64) bool { return float64(lag) > lateReader*float64(depth) }

// losing is how many frames a second a subscription has lost of late.
func losing(v *View, t *monitor.Topic, r *monitor.Subscriber) float64 {
	if v.Before == nil {
		return 0
	}
	for i := range v.Before.Topics {
		if old := &v.Before.Topics[i]; old.Index == t.Index {
			for _, o := range old.Subscribers {
				if o.Slot == r.Slot && o.PID == r.PID && o.Lost <= r.Lost {
					return float64(r.Lost-o.Lost) / max(v.Snapshot.Time.Sub(v.Before.Time).Seconds(), 0.001)
				}
			}
		}
	}
	return 0 // it has come since, and may have lost what was there before it came
}

// altered is how many frames a client had found altered before.
func altered(before *monitor.Snapshot, now *monitor.Client) uint64 {
	if before != nil {
		for _, c := range before.Clients {
			if c.Slot == now.Slot && c.PID == now.PID && c.Counts.Altered <= now.Counts.Altered {
				return c.Counts.Altered
			}
		}
	}
	return now.Counts.Altered
}

func who(name string, pid int) string { return fmt.Sprintf("%s (pid %d)", name, pid) }

// levelOf is the worst of the worries that a test lets through.
func levelOf(all []worry, of func(*worry) bool) (l level) {
	for i := range all {
		if of(&all[i]) {
			l = max(l, all[i].level)
		}
	}
	return l
}
