package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/core-framebuffer/framebuffer/monitor"
)

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

// send sends a value, unless it is NaN, which is not known.
func (f family) send(out chan<- prometheus.Metric, value float64, labels ...string) {
	if value == value {
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
	}
}

// segmentFamilies have one value for the segment.
type segmentFamilies struct {
	info, open, created                        family
	capacity, advanced, horizon, worst, oldest family
	held, holdLimit, holds, topicsMore         family
	counts                                     [monitor.NumCounters]family
	timeouts                                   family // deprecated
}

func newSegmentFamilies() segmentFamilies {
	f := segmentFamilies{
		info:     gauge("info", "Always 1; the labels say which segment this is and what its memory is made of.", "segment", "backend", "pages"),
		open:     gauge("open", "Whether the segment has a server: 1, or 0 after the server's end."),
		created:  gauge("created_timestamp_seconds", "When the segment was made, in seconds since 1970."),
		capacity: gauge("capacity_bytes", "Bytes in the ring."),
		advanced: counter("head_bytes_total", "Bytes of the ring allocated or skipped since the start; divided by the capacity: laps."),
		horizon:  gauge("horizon_seconds", "How long a frame written now lives at the rate of the last seconds; +Inf while nothing is allocated."),
		worst:    gauge("horizon_worst_seconds", "Shortest of the horizon now and the lives of all frames overwritten in the last minute."),
		oldest:   gauge("oldest_frame_age_seconds", "Age of the oldest frame that is still there."),

		held:       gauge("held_bytes", "Bytes of the ring that allocators skip because clients hold them."),
		holdLimit:  gauge("hold_limit_bytes", "Bytes of the ring that may be held at a time."),
		holds:      gauge("holds", "Number of holds that have not ended."),
		topicsMore: gauge("topics_without_series", "Topics that have no series of their own because there are too many."),
		timeouts:   counter("timeouts_total", "Deprecated: use framebuffer_overwritten_total and framebuffer_altered_total.", "reason"),
	}
	for c := range monitor.NumCounters {
		f.counts[c] = counter(c.String()+"_total", c.Help()+", by all clients.")
	}
	return f
}

func (f *segmentFamilies) all() []family {
	return append(f.counts[:], f.info, f.open, f.created, f.capacity, f.advanced, f.horizon, f.worst, f.oldest,
		f.held, f.holdLimit, f.holds, f.topicsMore, f.timeouts)
}

// clientFamilies have a value for each name and role of clients.
type clientFamilies struct {
	clients, lag family
	counts       [monitor.NumCounters]family
	timeouts     family // deprecated
}

func newClientFamilies() clientFamilies {
	labels := []string{"client", "role"}
	f := clientFamilies{
		clients:  gauge("clients", "Attached processes of that name and role.", labels...),
		lag:      gauge("client_lag_bytes", "Bytes allocated since the frame that the client last wrote or read; of several of that name the most. Near the capacity its next reads time out.", labels...),
		timeouts: counter("client_timeouts_total", "Deprecated: use framebuffer_client_overwritten_total and framebuffer_client_altered_total.", "client", "role", "reason"),
	}
	for c := range monitor.NumCounters {
		f.counts[c] = counter("client_"+c.String()+"_total", c.Help()+", by client.", labels...)
	}
	return f
}

func (f *clientFamilies) all() []family { return append(f.counts[:], f.clients, f.lag, f.timeouts) }

// topicFamilies have a value for each topic, subscription or group.
type topicFamilies struct {
	frames, bytes, ended, newest, subscribers family
	lag, received, lost, groupLag             family
}

func newTopicFamilies() topicFamilies {
	return topicFamilies{
		frames:      counter("topic_frames_total", "Frames published.", "topic"),
		bytes:       counter("topic_bytes_total", "Payload bytes published.", "topic"),
		ended:       gauge("topic_ended", "Whether the topic has ended: 1, or 0 while it is open.", "topic"),
		newest:      gauge("topic_newest_frame_timestamp_seconds", "When the newest frame that is still there was taken, in seconds since 1970, by its publisher's clock.", "topic"),
		subscribers: gauge("topic_subscribers", "Subscriptions of attached clients.", "topic"),
		lag:         gauge("subscription_lag_frames", "Frames published that the subscription has not taken yet; of several of that name the most.", "topic", "client"),
		received:    counter("subscription_received_frames_total", "Frames that the subscription got.", "topic", "client"),
		lost:        counter("subscription_lost_frames_total", "Frames that were overwritten before the subscription took them.", "topic", "client"),
		groupLag:    gauge("group_lag_frames", "Frames that no member of the group has taken yet.", "topic", "group"),
	}
}

func (f *topicFamilies) all() []family {
	return []family{f.frames, f.bytes, f.ended, f.newest, f.subscribers, f.lag, f.received, f.lost, f.groupLag}
}
