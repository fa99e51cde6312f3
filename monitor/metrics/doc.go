// Package metrics shows a monitor's snapshots to Prometheus. Nothing is counted here: at each
// scrape a snapshot is read from the shared memory.
//
//	m, err := monitor.Attach(key)
//	prometheus.MustRegister(metrics.New(m))
//
// Figures of the segment have no labels. Those of clients are summed up by name and role,
// since processes come and go under the same names; what those that have gone had counted
// when they were last seen stays in the sum, so that counters only grow. At most MaxClients
// names and monitor.MaxTopics topics have series of their own: whatever others call
// themselves, a scrape stays within bounds.
package metrics
