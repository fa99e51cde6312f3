package top

import (
	"cmp"
	"fmt"
	"strconv"

	"charm.land/lipgloss/v2"

	"github.com/core-framebuffer/framebuffer/monitor"
)

func clientRows(s *scene, p pen) table {
	t := table{none: "no client is attached", columns: columns(clientsTable)}
	for i := range s.Snapshot.Clients {
		c := &s.Snapshot.Clients[i]
		l := s.clients[c.Slot]
		role := cell{text: p.name(c.Role)}
		if c.Process == monitor.ProcessGone || c.Process == monitor.ProcessStopped {
			role = cell{text: string(c.Process), level: bad}
		}
		lag := number("–", -1)
		if c.Last != 0 {
			lag = number(percent(c.Lag, s.Snapshot.Capacity), float64(c.Lag))
		}
		if s.lagging(c) {
			lag.level = odd
		}
		failed := c.Counts[monitor.Overwritten] + c.Counts[monitor.Altered]
		timeouts := number(count(failed), float64(failed))
		if c.Rates.Timeouts() > 0 { // before all that have some of old
			timeouts = cell{text: rate(c.Rates.Timeouts()) + "/s", value: 1e20 * (1 + c.Rates.Timeouts()), level: bad}
		}
		wrong := number(count(c.Counts[monitor.Altered]), float64(c.Counts[monitor.Altered]))
		if c.Counts[monitor.Altered] > 0 {
			wrong.level = odd
		}
		t.rows = append(t.rows, row{level: l, cells: []cell{
			{text: p.name(c.Name), level: l}, number(strconv.Itoa(c.PID), float64(-c.PID)), role,
			number(c.LastSeen.String(), -float64(c.LastSeen)),
			ofBytes(c.Rates[monitor.WrittenBytes]), ofBytes(c.Rates[monitor.ReadBytes]), lag, timeouts,
			ofBytes(float64(c.Counts[monitor.WrittenBytes])), ofBytes(float64(c.Counts[monitor.ReadBytes])), wrong,
			ofThings(c.Counts[monitor.Writes]), ofThings(c.Counts[monitor.Reads]), number(c.Attached.String(), float64(c.Attached)), ofThings(c.Counts[monitor.RemoteReads]),
		}})
	}
	return t
}

func topicRows(s *scene, p pen) table {
	t := table{none: "no topics yet: framebuffer pub TOPIC < FILE makes one", columns: columns(topicsTable)}
	for i := range s.Snapshot.Topics {
		c := &s.Snapshot.Topics[i]
		l := s.topics[c.Index]
		var lag, lost uint64
		for _, r := range c.Subscribers {
			lag, lost = max(lag, r.Lag), lost+r.Lost
		}
		for _, g := range c.Groups {
			lag = max(lag, g.Lag)
		}
		letter := s.letters[c.Index]
		name := cell{text: sign(letter, true) + " " + p.name(c.Name), by: p.name(c.Name), level: l}
		if l == fine {
			name.style = lipgloss.NewStyle().Foreground(hue(letter))
		}
		perSecond := number(rate(c.FrameRate), c.FrameRate)
		if c.Ended {
			perSecond = number("ended", -1)
		}
		age, size, kind, from := number("gone", -1e18), number("–", -1), cell{}, cell{}
		if f := c.Newest; f != nil {
			age, size = number(f.Age.String(), -float64(f.Age)), ofBytes(float64(f.Size))
			kind, from = cell{text: p.name(what(f))}, cell{text: p.name(f.Source)}
		}
		t.rows = append(t.rows, row{level: l, cells: []cell{
			name, perSecond, ofBytes(c.ByteRate), ofThings(c.Published), ofThings(uint64(len(c.Subscribers))),
			ofLag(lag, s.alive[c.Index]), ofThings(lost), age, size, kind, from, ofBytes(float64(c.Bytes)),
		}})
	}
	return t
}

// what says what kind of data a frame is.
func what(f *monitor.Frame) string {
	m := &f.Meta
	switch {
	case m.Width > 0 && m.Height > 0:
		return fmt.Sprintf("%d×%d %s", m.Width, m.Height, cmp.Or(m.Format, m.ContentType))
	case len(m.Shape) > 0:
		return fmt.Sprintf("%v %s", m.Shape, m.Format)
	}
	return m.ContentType
}

func readerRows(s *scene, p pen) table {
	t := table{none: "no subscriptions", columns: columns(readersTable)}
	for i := range s.Snapshot.Topics {
		c := &s.Snapshot.Topics[i]
		there := s.alive[c.Index]
		for j := range c.Subscribers {
			r := &c.Subscribers[j]
			l := s.readers[reader{c.Index, r.Slot, r.PID}]
			lost := s.losing(c, r)
			perSecond := number(rate(lost), lost)
			if lost > 0 {
				perSecond.level = bad
			}
			t.rows = append(t.rows, row{level: l, cells: []cell{
				{text: p.name(r.Name), level: l}, {text: p.name(c.Name)}, number(strconv.Itoa(r.PID), float64(-r.PID)),
				ofLag(r.Lag, there), ofThings(there), ofThings(r.Received), perSecond, ofThings(r.Lost),
			}})
		}
		for _, g := range c.Groups {
			l := s.groups[readerGroup{c.Index, g.Name}]
			t.rows = append(t.rows, row{level: l, cells: []cell{
				{text: "group " + p.name(g.Name), level: l}, {text: p.name(c.Name)}, number("–", 0),
				ofLag(g.Lag, there), ofThings(there), number("–", -1), number("–", -1), number("–", -1),
			}})
		}
	}
	return t
}

func number(text string, value float64) cell { return cell{text: text, value: value} }

func ofBytes(n float64) cell { return number(bytes(n), n) }

func ofThings(n uint64) cell { return number(count(n), float64(n)) }

func ofLag(lag, there uint64) cell {
	c := ofThings(lag)
	if late(lag, there) {
		c.level = lagWorry("", lag, there, "").level
	}
	return c
}
