package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// client is what the figures of clients are summed up by.
type client struct{ name, role string }

// sendClients sends the figures by client. The series of clients that have detached stay: otherwise
// that of one that attaches again would begin at 0.
func (c *Collector) sendClients(out chan<- prometheus.Metric, s *monitor.Snapshot) {
	attached, lag := make(map[client]int), make(map[client]uint64)
	for i := range s.Clients {
		p := &s.Clients[i]
		key := c.clients.add(p.ID, client{p.Name, p.Role}, client{Rest, p.Role}, values(p.Counts))
		attached[key]++
		lag[key] = max(lag[key], p.Lag)
	}
	c.clients.end()
	f := &c.ofClients
	for key, sum := range c.clients.sums {
		for i, counter := range f.counts {
			counter.send(out, float64(sum[i]), key.name, key.role)
		}
		f.timeouts.send(out, float64(sum[monitor.Overwritten]), key.name, key.role, "reused")
		f.timeouts.send(out, float64(sum[monitor.Altered]), key.name, key.role, "altered")
		f.clients.send(out, float64(attached[key]), key.name, key.role)
		if attached[key] > 0 {
			f.lag.send(out, float64(lag[key]), key.name, key.role)
		}
	}
}
