package top

import (
	"fmt"
	"strconv"

	"charm.land/lipgloss/v2"

	"github.com/core-framebuffer/framebuffer/monitor"
)

func clientRows(v *View, p pen, worries []worry) table {
	t := table{none: "nobody is attached", columns: []column{
		{title: "CLIENT", width: 14, grows: true}, {title: "PID", width: 7, rank: 3, number: true},
		{title: "ROLE", width: 9, rank: 4}, {title: "SEEN", width: 7, rank: 5, number: true},
		{title: "WRITE/s", width: 8, rank: 1, number: true}, {title: "READ/s", width: 8, rank: 1, number: true},
		{title: "LAG", width: 6, rank: 6, number: true}, {title: "TIMEOUTS", width: 9, rank: 2, number: true},
		{title: "WRITTEN", width: 8, rank: 7, number: true}, {title: "READ", width: 8, rank: 7, number: true},
		{title: "FRAMES W", width: 9, rank: 9, number: true}, {title: "FRAMES R", width: 9, rank: 9, number: true},
		{title: "ALTERED", width: 8, rank: 8, number: true}, {title: "ATTACHED", width: 9, rank: 10, number: true},
	}}
	for i := range v.Snapshot.Clients {
		c := &v.Snapshot.Clients[i]
		l := levelOf(worries, func(w *worry) bool { return w.slot == c.Slot })
		role := cell{text: p.name(c.Role)}
		if c.Process == monitor.ProcessGone || c.Process == monitor.ProcessStopped {
			role = cell{text: string(c.Process), level: bad}
		}
		lag := number("–", -1)
		if c.Last != 0 {
			lag = number(percent(c.Lag, v.Snapshot.Capacity), float64(c.Lag))
			if c.Rates.Reads > 0 && float64(c.Lag) > lateClient*float64(v.Snapshot.Capacity) {
				lag.level = odd
			}
		}
		timeouts := number(count(c.Counts.Reused+c.Counts.Altered), c.Rates.Timeouts*1e9+float64(c.Counts.Reused+c.Counts.Altered))
		if c.Rates.Timeouts > 0 {
			timeouts.level, timeouts.text = bad, rate(c.Rates.Timeouts)+"/s"
		}
		alt := number(count(c.Counts.Altered), float64(c.Counts.Altered))
		if c.Counts.Altered > 0 {
			alt.level = odd
		}
		t.rows = append(t.rows, row{level: l, cells: []cell{
			{text: p.name(c.Name), level: l}, number(strconv.Itoa(c.PID), float64(-c.PID)), role,
			number(c.LastSeen.String(), -float64(c.LastSeen)),
			number(bytes(c.Rates.WrittenBytes), c.Rates.WrittenBytes), number(bytes(c.Rates.ReadBytes), c.Rates.ReadBytes),
			lag, timeouts,
			number(bytes(float64(c.Counts.WrittenBytes)), float64(c.Counts.WrittenBytes)),
			number(bytes(float64(c.Counts.ReadBytes)), float64(c.Counts.ReadBytes)),
			number(count(c.Counts.Writes), float64(c.Counts.Writes)), number(count(c.Counts.Reads), float64(c.Counts.Reads)),
			alt, number(c.Attached.String(), float64(c.Attached)),
		}})
	}
	return t
}

func topicRows(v *View, p pen, worries []worry) table {
	t := table{none: "no topics yet: framebuffer pub TOPIC < FILE makes one", columns: []column{
		{title: "TOPIC", width: 16, grows: true}, {title: "FRAMES/s", width: 9, rank: 1, number: true},
		{title: "BYTES/s", width: 8, rank: 1, number: true}, {title: "FRAMES", width: 7, rank: 5, number: true},
		{title: "SUBS", width: 5, rank: 4, number: true}, {title: "LAG", width: 6, rank: 2, number: true},
		{title: "LOST", width: 7, rank: 2, number: true}, {title: "NEWEST", width: 8, rank: 3, number: true},
		{title: "SIZE", width: 8, rank: 6, number: true}, {title: "WHAT", width: 18, rank: 7}, {title: "FROM", width: 16, rank: 8},
		{title: "BYTES", width: 8, rank: 9, number: true},
	}}
	of := lettering(v.Snapshot)
	for i := range v.Snapshot.Topics {
		c := &v.Snapshot.Topics[i]
		l := levelOf(worries, func(w *worry) bool { return w.topic == c.Index })
		var lag, lost uint64
		for _, s := range c.Subscribers {
			lag, lost = max(lag, s.Lag), lost+s.Lost
		}
		for _, g := range c.Groups {
			lag = max(lag, g.Lag)
		}
		name := cell{text: sign(of[c.Index], true) + " " + p.name(c.Name), by: p.name(c.Name), level: l}
		if l == fine {
			name.style = lipgloss.NewStyle().Foreground(hue(of[c.Index]))
		}
		perSecond := number(rate(c.FrameRate), c.FrameRate)
		if c.Ended {
			perSecond = number("ended", -1)
		}
		r := row{level: l, cells: []cell{
			name, perSecond, number(bytes(c.ByteRate), c.ByteRate), number(count(c.Published), float64(c.Published)),
			number(strconv.Itoa(len(c.Subscribers)), float64(len(c.Subscribers))),
			lagCell(lag, c.Depth), number(count(lost), float64(lost)),
		}}
		if f := c.Newest; f != nil {
			r.cells = append(r.cells, number(f.Age.String(), -float64(f.Age)), number(bytes(float64(f.Size)), float64(f.Size)),
				cell{text: p.name(what(f))}, cell{text: p.name(f.Source)})
		} else {
			r.cells = append(r.cells, number("gone", -1e18), number("–", -1), cell{}, cell{})
		}
		r.cells = append(r.cells, number(bytes(float64(c.Bytes)), float64(c.Bytes)))
		t.rows = append(t.rows, r)
	}
	return t
}

// what says what kind of data a frame is.
func what(f *monitor.Frame) string {
	m := &f.Meta
	switch {
	case m.Width > 0 && m.Height > 0:
		return fmt.Sprintf("%d×%d %s", m.Width, m.Height, m.Format)
	case len(m.Shape) > 0:
		return fmt.Sprintf("%v %s", m.Shape, m.Format)
	}
	return m.ContentType
}

func readerRows(v *View, p pen, worries []worry) table {
	t := table{none: "nobody subscribes to a topic", columns: []column{
		{title: "SUBSCRIBER", width: 18, grows: true}, {title: "OF TOPIC", width: 14, grows: true}, {title: "PID", width: 7, rank: 4, number: true},
		{title: "LAG", width: 6, rank: 2, number: true}, {title: "DEPTH", width: 6, rank: 5, number: true}, {title: "RECEIVED", width: 9, rank: 3, number: true},
		{title: "LOST/s", width: 7, rank: 1, number: true}, {title: "LOST", width: 7, rank: 1, number: true},
	}}
	for i := range v.Snapshot.Topics {
		c := &v.Snapshot.Topics[i]
		for j := range c.Subscribers {
			s := &c.Subscribers[j]
			l := levelOf(worries, func(w *worry) bool { return w.topic == c.Index && w.slot == s.Slot })
			lost := losing(v, c, s)
			perSecond := number(rate(lost), lost)
			if lost > 0 {
				perSecond.level = bad
			}
			t.rows = append(t.rows, row{level: l, cells: []cell{
				{text: p.name(s.Name), level: l}, {text: p.name(c.Name)}, number(strconv.Itoa(s.PID), float64(-s.PID)),
				lagCell(s.Lag, c.Depth), number(count(c.Depth), float64(c.Depth)), number(count(s.Received), float64(s.Received)),
				perSecond, number(count(s.Lost), float64(s.Lost)),
			}})
		}
		for _, g := range c.Groups {
			l := levelOf(worries, func(w *worry) bool { return w.topic == c.Index && w.slot < 0 && w.group == g.Name })
			t.rows = append(t.rows, row{level: l, cells: []cell{
				{text: "group " + p.name(g.Name), level: l}, {text: p.name(c.Name)}, number("–", 0),
				lagCell(g.Lag, c.Depth), number(count(c.Depth), float64(c.Depth)), number("–", -1), number("–", -1), number("–", -1),
			}})
		}
	}
	return t
}

func lagCell(lag, depth uint64) cell {
	c := number(count(lag), float64(lag))
	if late(lag, depth) {
		c.level = odd
	}
	return c
}
