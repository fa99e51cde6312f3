package metrics

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/core-framebuffer/framebuffer/monitor"
)

const (
	// MaxClients is how many client names have series of their own. Of pairs of a topic and a
	// client there are four times as many.
	MaxClients = 256

	// Rest is the name of all other clients together.
	Rest = "(others)"
)

// Collector is a [prometheus.Collector] of one segment. Its methods may be called concurrently.
type Collector struct {
	monitor   *monitor.Monitor
	ofSegment segmentFamilies
	ofClients clientFamilies
	ofTopics  topicFamilies

	mu            sync.Mutex // held by Collect, for what follows
	clients       *tally[uint64, client]
	subscriptions *tally[subscription, reading]
}

// New returns a collector of what m sees. It does not close m.
func New(m *monitor.Monitor) *Collector {
	return &Collector{
		monitor: m, ofSegment: newSegmentFamilies(), ofClients: newClientFamilies(), ofTopics: newTopicFamilies(),
		clients: newTally[uint64, client](MaxClients), subscriptions: newTally[subscription, reading](4 * MaxClients),
	}
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range slices.Concat(c.ofSegment.all(), c.ofClients.all(), c.ofTopics.all()) {
		out <- f.desc
	}
}

// Collect reads a snapshot and sends its figures. After the monitor's Close it sends none.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	s, err := c.monitor.Snapshot()
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendSegment(out, s)
	c.sendClients(out, s)
	c.sendTopics(out, s)
}

// sendSegment sends the figures of the segment.
func (c *Collector) sendSegment(out chan<- prometheus.Metric, s *monitor.Snapshot) {
	f := &c.ofSegment
	f.info.send(out, 1, s.Segment, s.Backend, s.Pages)
	f.open.send(out, truth(s.State == monitor.Open))
	f.created.send(out, float64(s.Created.UnixNano())/1e9)
	f.capacity.send(out, float64(s.Capacity))
	f.advanced.send(out, float64(s.Head-s.Start))
	f.horizon.send(out, float64(s.Horizon.Now))
	f.worst.send(out, float64(s.Horizon.Worst))
	f.oldest.send(out, float64(s.Horizon.Oldest))
	f.held.send(out, float64(s.Held))
	f.holdLimit.send(out, float64(s.HoldLimit))
	f.holds.send(out, float64(len(s.Holds)))
	f.topicsMore.send(out, float64(s.MoreTopics))
	for i, counter := range f.counts {
		counter.send(out, float64(s.Total[i]))
	}
	f.timeouts.send(out, float64(s.Total[monitor.Overwritten]), "reused")
	f.timeouts.send(out, float64(s.Total[monitor.Altered]), "altered")
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
