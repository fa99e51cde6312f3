package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// MaxClients is how many client names there are series of their own for; all others are
// called by the name of Rest. Of pairs of a topic and a client there are as many as four
// times that.
const (
	MaxClients = 256
	Rest       = "(others)"
)

// Collector is a prometheus.Collector of one segment. Its methods may be called concurrently.
type Collector struct {
	monitor  *monitor.Monitor
	families families

	mu      sync.Mutex
	clients *tally[uint64, client]
	subs    *tally[subscription, reading]
}

// New returns a collector of what m sees. It does not close m.
func New(m *monitor.Monitor) *Collector {
	return &Collector{
		monitor: m, families: newFamilies(),
		clients: newTally[uint64, client](MaxClients), subs: newTally[subscription, reading](4 * MaxClients),
	}
}

// Describe tells which metrics there are.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range c.families.all() {
		out <- f.desc
	}
}

// Collect reads a snapshot and sends its figures. After the monitor's Close there are none.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	s, err := c.monitor.Snapshot()
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.segment(out, s)
	c.sendClients(out, s)
	c.sendTopics(out, s)
}

// segment sends the figures that have no labels.
func (c *Collector) segment(out chan<- prometheus.Metric, s *monitor.Snapshot) {
	f := &c.families
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
	f.allocations.send(out, float64(s.Total.Allocations))
	f.allocated.send(out, float64(s.Total.AllocatedBytes))
	f.writes.send(out, float64(s.Total.Writes))
	f.written.send(out, float64(s.Total.WrittenBytes))
	f.reads.send(out, float64(s.Total.Reads))
	f.read.send(out, float64(s.Total.ReadBytes))
	f.timeouts.send(out, float64(s.Total.Reused), "reused")
	f.timeouts.send(out, float64(s.Total.Altered), "altered")
	f.topicsMore.send(out, float64(s.MoreTopics))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
