package metrics

import "github.com/prometheus/client_golang/prometheus"

// family is one metric: its name, what it means, and its labels.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) family {
	return family{prometheus.NewDesc("framebuffer_"+name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) family {
	return family{prometheus.NewDesc("framebuffer_"+name, help, labels, nil), prometheus.CounterValue}
}

// send sends a value. NaN, which is what is not known, is left out.
func (f family) send(out chan<- prometheus.Metric, value float64, labels ...string) {
	if value == value {
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
	}
}

// families are all metrics there are.
type families struct {
	info, open, created                                    family
	capacity, advanced, horizon, worst, oldest             family
	held, holdLimit, holds                                 family
	allocations, allocated, writes, written                family
	reads, read, timeouts                                  family
	clients, clientLag                                     family
	clientAllocations, clientAllocated, clientWrites       family
	clientWritten, clientReads, clientRead, clientTimeouts family
	clientRemoteReads, clientRemoteRead                    family
	clientRemoteTimeouts                                   family
	topicFrames, topicBytes, topicEnded, topicNewest       family
	subscribers, lag, received, lost, groupLag, topicsMore family
}

func newFamilies() families {
	return families{
		info:     gauge("info", "Always 1; the labels say which segment this is and what its memory is made of.", "segment", "backend", "pages"),
		open:     gauge("open", "Whether the segment has a server: 1, or 0 after the server's end."),
		created:  gauge("created_timestamp_seconds", "When the segment was made, in seconds since 1970."),
		capacity: gauge("capacity_bytes", "Bytes in the ring."),
		advanced: counter("head_bytes_total", "Bytes of the ring handed out or stepped over since the start; divided by the capacity: laps."),
		horizon:  gauge("horizon_seconds", "How long a frame written now lives at the rate of the last seconds; +Inf while nothing is allocated."),
		worst:    gauge("horizon_worst_seconds", "Shortest of the horizon now and the lives of all frames overwritten in the last minute."),
		oldest:   gauge("oldest_frame_age_seconds", "How long ago the oldest frame was allocated that is still alive."),

		held:      gauge("held_bytes", "Bytes of the ring that allocators step over because somebody holds them."),
		holdLimit: gauge("hold_limit_bytes", "Bytes of the ring that may be held at a time."),
		holds:     gauge("holds", "How many holds stand."),

		allocations: counter("allocations_total", "Chunks allocated, by everybody."),
		allocated:   counter("allocated_bytes_total", "Bytes allocated, headers and padding included, by everybody."),
		writes:      counter("writes_total", "Frames written, by everybody."),
		written:     counter("written_bytes_total", "Payload bytes written, by everybody."),
		reads:       counter("reads_total", "Frames read and verified, by everybody."),
		read:        counter("read_bytes_total", "Payload bytes read and verified, by everybody."),
		timeouts:    counter("timeouts_total", "Frames that were lost to somebody: reused by the ring, or altered, which is a failed checksum.", "reason"),

		clients:           gauge("clients", "Attached processes of that name and role.", "client", "role"),
		clientLag:         gauge("client_lag_bytes", "Bytes allocated since the frame that the client last wrote or read; of several of that name the most. Its frames time out as this nears the capacity.", "client", "role"),
		clientAllocations: counter("client_allocations_total", "Chunks allocated, by client.", "client", "role"),
		clientAllocated:   counter("client_allocated_bytes_total", "Bytes allocated, headers and padding included, by client.", "client", "role"),
		clientWrites:      counter("client_writes_total", "Frames written, by client.", "client", "role"),
		clientWritten:     counter("client_written_bytes_total", "Payload bytes written, by client.", "client", "role"),
		clientReads:       counter("client_reads_total", "Frames read and verified, by client.", "client", "role"),
		clientRead:        counter("client_read_bytes_total", "Payload bytes read and verified, by client.", "client", "role"),
		clientTimeouts:    counter("client_timeouts_total", "Frames that were lost to the client, by reason: reused by the ring, or altered, which is a failed checksum.", "client", "role", "reason"),

		clientRemoteReads:    counter("client_remote_reads_total", "Frames of other hosts that the client read and verified, over NATS.", "client", "role"),
		clientRemoteRead:     counter("client_remote_read_bytes_total", "Payload bytes of other hosts that the client read and verified, over NATS.", "client", "role"),
		clientRemoteTimeouts: counter("client_remote_timeouts_total", "Frames of other hosts that the client asked for over NATS and that were gone or did not come.", "client", "role"),

		topicFrames: counter("topic_frames_total", "Frames published.", "topic"),
		topicBytes:  counter("topic_bytes_total", "Payload bytes published.", "topic"),
		topicEnded:  gauge("topic_ended", "Whether the topic was ended: 1, or 0 while it is open.", "topic"),
		topicNewest: gauge("topic_newest_frame_timestamp_seconds", "When the newest frame that is still there was taken, in seconds since 1970, as its publisher said.", "topic"),
		topicsMore:  gauge("topics_without_series", "How many topics have no series of their own because there are too many."),
		subscribers: gauge("topic_subscribers", "Subscriptions of attached clients.", "topic"),
		lag:         gauge("subscription_lag_frames", "Frames that the subscriber has still to look at; of several of that name the most.", "topic", "client"),
		received:    counter("subscription_received_frames_total", "Frames that the subscriber got.", "topic", "client"),
		lost:        counter("subscription_lost_frames_total", "Frames that were gone before the subscriber came to them.", "topic", "client"),
		groupLag:    gauge("group_lag_frames", "Frames that no member of the group has taken yet.", "topic", "group"),
	}
}

// all are the families, for Describe.
func (f *families) all() []family {
	return []family{
		f.info, f.open, f.created, f.capacity, f.advanced, f.horizon, f.worst, f.oldest, f.held, f.holdLimit, f.holds,
		f.allocations, f.allocated, f.writes, f.written, f.reads, f.read, f.timeouts, f.clients, f.clientLag,
		f.clientAllocations, f.clientAllocated, f.clientWrites, f.clientWritten, f.clientReads, f.clientRead, f.clientTimeouts,
		f.clientRemoteReads, f.clientRemoteRead, f.clientRemoteTimeouts,
		f.topicFrames, f.topicBytes, f.topicEnded, f.topicNewest, f.topicsMore, f.subscribers, f.lag, f.received, f.lost, f.groupLag,
	}
}
