package top

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// worry is one problem, such as a client that is too slow.
type worry struct {
	level level
	text  string
}

// Limits from which a loss is near enough to warn of it.
const (
	shortHorizon = 1.0 // seconds
	lateClient   = 0.5 // of the ring allocated since the frame that it reads
	lateReader   = 0.5 // of the topic's frames that are still there
)

// worry finds all worries.
func (s *scene) worry() {
	if h := s.Snapshot.Horizon.Worst; s.Snapshot.State == monitor.Open && h.Known() && float64(h) < shortHorizon {
		s.worries = append(s.worries, worry{odd, fmt.Sprintf("frames lived for only %s in the last minute", h)})
	}
	for i := range s.Snapshot.Topics {
		s.worryTopic(&s.Snapshot.Topics[i])
	}
	for i := range s.Snapshot.Clients {
		s.worryClient(&s.Snapshot.Clients[i])
	}
	slices.SortStableFunc(s.worries, func(a, b worry) int { return cmp.Compare(b.level, a.level) })
}

func (s *scene) worryClient(c *monitor.Client) {
	add := func(l level, format string, args ...any) {
		s.worries = append(s.worries, worry{l, s.who(c.Name, c.PID) + " " + fmt.Sprintf(format, args...)})
		s.clients[c.Slot] = max(s.clients[c.Slot], l)
	}
	if c.Rates.Timeouts() > 0 {
		add(bad, "has %s timeouts/s", rate(c.Rates.Timeouts()))
	}
	if before, known := s.altered[client{c.Slot, c.PID}]; known && c.Counts[monitor.Altered] > before {
		add(bad, "found %s altered frames", count(c.Counts[monitor.Altered]-before))
	}
	switch c.Process {
	case monitor.ProcessGone:
		add(bad, "died without detaching")
	case monitor.ProcessStopped:
		add(bad, "is stopped")
	}
	if s.lagging(c) {
		add(odd, "has a lag of %s of the ring", percent(c.Lag, s.Snapshot.Capacity))
	}
}

// lagging reports whether a client reads nearly too late.
func (s *scene) lagging(c *monitor.Client) bool {
	return c.Rates[monitor.Reads] > 0 && float64(c.Lag) > lateClient*float64(s.Snapshot.Capacity)
}

func (s *scene) worryTopic(t *monitor.Topic) {
	there, topic := s.alive[t.Index], s.short(t.Name)
	for i := range t.Subscribers {
		r := &t.Subscribers[i]
		var w worry
		if n := s.losing(t, r); n > 0 {
			w = worry{bad, fmt.Sprintf("%s loses %s frames/s of %s", s.who(r.Name, r.PID), rate(n), topic)}
		} else if late(r.Lag, there) {
			w = lagWorry(s.who(r.Name, r.PID), r.Lag, there, topic)
		} else {
			continue
		}
		s.worries = append(s.worries, w)
		s.topics[t.Index] = max(s.topics[t.Index], w.level)
		s.clients[r.Slot] = max(s.clients[r.Slot], w.level)
		s.readers[reader{t.Index, r.Slot, r.PID}] = w.level
	}
	for _, g := range t.Groups {
		if late(g.Lag, there) {
			w := lagWorry("group "+s.short(g.Name), g.Lag, there, topic)
			s.worries = append(s.worries, w)
			s.topics[t.Index] = max(s.topics[t.Index], w.level)
			s.groups[readerGroup{t.Index, g.Name}] = w.level
		}
	}
}

// late reports whether a lag is near a loss. A lag of one frame is normal: that frame is being read.
func late(lag, there uint64) bool { return lag > 1 && float64(lag) > lateReader*float64(there) }

// lagWorry returns the worry about a subscription or group with a large lag.
func lagWorry(who string, lag, there uint64, topic string) worry {
	if lag > there {
		return worry{bad, fmt.Sprintf("%s: lag %s in %s, %s overwritten", who, count(lag), topic, count(lag-there))}
	}
	return worry{odd, fmt.Sprintf("%s: lag %s of %s in %s", who, count(lag), count(there), topic)}
}

func (s *scene) who(name string, pid int) string {
	return fmt.Sprintf("%s (pid %d)", s.short(name), pid)
}

// short is a name for the line of worries.
func (s *scene) short(name string) string { return s.pen.squeeze(s.pen.name(name), 20) }
