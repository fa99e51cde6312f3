package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// subscription tells one subscription from all others, reading is whom they are summed up by.
type (
	subscription struct {
		client       uint64
		entry, topic int
	}
	reading struct{ topic, client string }
)

// sendTopics sends the figures by topic and subscriber. Names that a hostile process has made
// equal would spoil the scrape: the first counts.
func (c *Collector) sendTopics(out chan<- prometheus.Metric, s *monitor.Snapshot) {
	f := &c.families
	ids := make(map[int]uint64)
	for _, p := range s.Clients {
		ids[p.Slot] = p.ID
	}
	sent, lag := make(map[string]bool), make(map[reading]uint64)
	for i := range s.Topics {
		t := &s.Topics[i]
		if sent[t.Name] {
			continue
		}
		sent[t.Name] = true
		f.topicFrames.send(out, float64(t.Published), t.Name)
		f.topicBytes.send(out, float64(t.Bytes), t.Name)
		f.topicEnded.send(out, truth(t.Ended), t.Name)
		f.subscribers.send(out, float64(len(t.Subscribers)), t.Name)
		if t.Newest != nil {
			f.topicNewest.send(out, float64(t.Newest.Time.UnixNano())/1e9, t.Name)
		}
		for _, r := range t.Subscribers {
			key := c.subs.add(subscription{ids[r.Slot], r.Entry, t.Index}, reading{t.Name, r.Name}, reading{Rest, Rest}, values{r.Received, r.Lost})
			lag[key] = max(lag[key], r.Lag)
		}
		groups := make(map[string]bool)
		for _, g := range t.Groups {
			if !groups[g.Name] {
				groups[g.Name] = true
				f.groupLag.send(out, float64(g.Lag), t.Name, g.Name)
			}
		}
	}
	c.subs.end()
	for key, sum := range c.subs.sums {
		f.received.send(out, float64(sum[0]), key.topic, key.client)
		f.lost.send(out, float64(sum[1]), key.topic, key.client)
		if frames, here := lag[key]; here {
			f.lag.send(out, float64(frames), key.topic, key.client)
		}
	}
}
