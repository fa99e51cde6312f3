package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// client is whom figures are summed up by.
type client struct{ name, role string }

// sendClients sends the figures by client. The series of those that have left stay, for
// otherwise one that comes back would begin at nothing.
func (c *Collector) sendClients(out chan<- prometheus.Metric, s *monitor.Snapshot) {
	here, lag := make(map[client]int), make(map[client]uint64)
	for i := range s.Clients {
		p := &s.Clients[i]
		n := &p.Counts
		key := c.clients.add(p.ID, client{p.Name, p.Role}, client{Rest, p.Role}, values{
			n.Allocations, n.AllocatedBytes, n.Writes, n.WrittenBytes, n.Reads, n.ReadBytes, n.Reused, n.Altered,
			n.RemoteReads, n.RemoteBytes, n.RemoteTimeouts,
		})
		here[key]++
		lag[key] = max(lag[key], p.Lag)
	}
	c.clients.end()
	f := &c.families
	for key, sum := range c.clients.sums {
		for i, counter := range []family{f.clientAllocations, f.clientAllocated, f.clientWrites, f.clientWritten, f.clientReads, f.clientRead} {
			counter.send(out, float64(sum[i]), key.name, key.role)
		}
		f.clientTimeouts.send(out, float64(sum[6]), key.name, key.role, "reused")
		f.clientTimeouts.send(out, float64(sum[7]), key.name, key.role, "altered")
		f.clientRemoteReads.send(out, float64(sum[8]), key.name, key.role)
		f.clientRemoteRead.send(out, float64(sum[9]), key.name, key.role)
		f.clientRemoteTimeouts.send(out, float64(sum[10]), key.name, key.role)
		f.clients.send(out, float64(here[key]), key.name, key.role)
		if here[key] > 0 {
			f.clientLag.send(out, float64(lag[key]), key.name, key.role)
		}
	}
}
