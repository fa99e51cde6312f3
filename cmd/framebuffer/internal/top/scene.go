package top

import "github.com/core-framebuffer/framebuffer/monitor"

// scene is a view with what follows from it, worked out once for a screen.
type scene struct {
	*View
	pen     pen
	letters map[int]int           // of topics, by index
	alive   map[int]uint64        // frames of topics that are still there, by index
	lost    map[reader]uint64     // what subscriptions had lost before
	altered map[client]uint64     // how many altered frames clients had found before
	elapsed float64               // seconds since then
	worries []worry               // the worst first
	clients map[int]level         // how bad the worst worry about a client is, by slot
	topics  map[int]level         // and about a topic, by index
	readers map[reader]level      // and about a subscription
	groups  map[readerGroup]level // and about a group
}

type (
	client      struct{ slot, pid int }
	reader      struct{ topic, slot, pid int }
	readerGroup struct {
		topic int
		name  string
	}
)

func newScene(v *View, p pen) *scene {
	s := &scene{
		View: v, pen: p, letters: lettering(v.Snapshot), alive: make(map[int]uint64), lost: make(map[reader]uint64), altered: make(map[client]uint64),
		clients: make(map[int]level), topics: make(map[int]level), readers: make(map[reader]level), groups: make(map[readerGroup]level),
	}
	for i := range v.Spans {
		s.alive[v.Spans[i].Topic]++
	}
	for i := range v.Snapshot.Topics {
		t := &v.Snapshot.Topics[i]
		if s.alive[t.Index] >= uint64(monitor.MaxSpans/len(v.Snapshot.Topics)) {
			s.alive[t.Index] = t.Depth // there may be more than Spans returns
		}
	}
	if b := v.Before; b != nil {
		s.elapsed = max(v.Snapshot.Time.Sub(b.Time).Seconds(), 0.001)
		for _, c := range b.Clients {
			s.altered[client{c.Slot, c.PID}] = c.Counts[monitor.Altered]
		}
		for _, t := range b.Topics {
			for _, r := range t.Subscribers {
				s.lost[reader{t.Index, r.Slot, r.PID}] = r.Lost
			}
		}
	}
	s.worry()
	return s
}

// losing is how many frames a second a subscription has lost of late: none if it has come
// since, for then it may have lost what was there before it came.
func (s *scene) losing(t *monitor.Topic, r *monitor.Subscriber) float64 {
	before, known := s.lost[reader{t.Index, r.Slot, r.PID}]
	if !known || before >= r.Lost {
		return 0
	}
	return float64(r.Lost-before) / s.elapsed
}
