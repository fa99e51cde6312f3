// Package metrics exports a monitor's snapshots to Prometheus. It counts nothing itself: each scrape reads
// a snapshot from the shared memory.
//
//	m, err := monitor.Attach(key)
//	prometheus.MustRegister(metrics.New(m))
//
// Figures of the segment have no labels. Those of clients are summed up by name and role, since
// processes come and go under the same names. What a process had counted at the last scrape that saw it
// stays in the sum after it has gone, so that counters only grow. At most [MaxClients] names and
// [monitor.MaxTopics] topics have series of their own: the size of a scrape is bounded, whatever names
// other processes choose.
//
// Metrics that were renamed are exported under both names for one release; the help text of the old one
// begins with "Deprecated".
package metrics
