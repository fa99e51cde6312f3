package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/core-framebuffer/framebuffer/monitor"
)

type (
	// subscription identifies one subscription.
	subscription struct {
		client       uint64
		entry, topic int
	}

	// reading is what the figures of subscriptions are summed up by.
	reading struct{ topic, client string }
)

// sendTopics sends the figures by topic, subscription and group. A hostile process may give several
// topics or groups one name, which would make the scrape invalid: only the first of them counts.
func (c *Collector) sendTopics(out chan<- prometheus.Metric, s *monitor.Snapshot) {
	f := &c.ofTopics
	sent := make(map[string]bool)
	var first []*monitor.Topic
	for i := range s.Topics {
		t := &s.Topics[i]
		if sent[t.Name] {
			continue
		}
		sent[t.Name] = true
		first = append(first, t)
		f.frames.send(out, float64(t.Published), t.Name)
		f.bytes.send(out, float64(t.Bytes), t.Name)
		f.ended.send(out, truth(t.Ended), t.Name)
		f.subscribers.send(out, float64(len(t.Subscribers)), t.Name)
		if t.Newest != nil {
			f.newest.send(out, float64(t.Newest.Time.UnixNano())/1e9, t.Name)
		}
		groups := make(map[string]bool)
		for _, g := range t.Groups {
			if !groups[g.Name] {
				groups[g.Name] = true
				f.groupLag.send(out, float64(g.Lag), t.Name, g.Name)
			}
		}
	}
	c.sendSubscriptions(out, s, first)
}

// sendSubscriptions sends the figures of the subscriptions of those topics.
func (c *Collector) sendSubscriptions(out chan<- prometheus.Metric, s *monitor.Snapshot, of []*monitor.Topic) {
	ids := make(map[int]uint64)
	for _, p := range s.Clients {
		ids[p.Slot] = p.ID
	}
	lag := make(map[reading]uint64)
	for _, t := range of {
		for _, r := range t.Subscribers {
			key := c.subscriptions.add(subscription{ids[r.Slot], r.Entry, t.Index}, reading{t.Name, r.Name}, reading{Rest, Rest}, values{r.Received, r.Lost})
			lag[key] = max(lag[key], r.Lag)
		}
	}
	c.subscriptions.end()
	f := &c.ofTopics
	for key, sum := range c.subscriptions.sums {
		f.received.send(out, float64(sum[0]), key.topic, key.client)
		f.lost.send(out, float64(sum[1]), key.topic, key.client)
		if frames, attached := lag[key]; attached {
			f.lag.send(out, float64(frames), key.topic, key.client)
		}
	}
}
