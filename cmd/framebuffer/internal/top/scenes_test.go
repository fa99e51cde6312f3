package top

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

const (
	mib = 1 << 20
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func nan() monitor.Seconds { return monitor.Seconds(math.NaN()) }

func never() monitor.Seconds { return monitor.Seconds(math.Inf(1)) }

// empty is a ring just made.
func empty() *View {
	return &View{Interval: time.Second, Snapshot: &monitor.Snapshot{
		Time: noon, State: monitor.Open,
		Identity: monitor.Identity{Segment: "3f9a01c7", Backend: "sysv", Path: "shared memory ids 1 and 2 of IPC namespace 3", Pages: "small", Age: 0.4},
		Ring: monitor.Ring{
			Capacity: 500 * mib, Start: 300 * mib, Head: 300 * mib, Place: 300 * mib,
			Horizon: monitor.Horizon{Now: nan(), Worst: nan(), Oldest: nan()}, HoldLimit: 250 * mib,
		},
		Clients: []monitor.Client{{Slot: 1, Name: "framebuffer serve", PID: 4711, Role: "server", Process: monitor.ProcessRunning, Attached: 0.4, LastSeen: nan()}},
	}}
}

// busy is a ring that has gone round some times, with four topics and nothing wrong.
func busy() *View {
	v := empty()
	s := v.Snapshot
	s.Age, s.Window, s.Head, s.Laps = 754, 5, 300*mib+12*500*mib+117*mib, 12.234
	s.Place = s.Head % s.Capacity
	s.Horizon = monitor.Horizon{Now: 2.04, Worst: 1.61, Oldest: 2.1}
	s.Rates = monitor.Rates{monitor.Allocations: 150, monitor.AllocatedBytes: 257e6, monitor.Writes: 150, monitor.WrittenBytes: 256e6, monitor.Reads: 290, monitor.ReadBytes: 498e6}
	s.Total = monitor.Counts{monitor.Allocations: 90_000, monitor.AllocatedBytes: 6e9, monitor.Writes: 90_000, monitor.WrittenBytes: 6e9, monitor.Reads: 180_000, monitor.ReadBytes: 12e9, monitor.Overwritten: 3}
	add := func(name string, pid int, role string, wrote, read float64) {
		s.Clients = append(s.Clients, monitor.Client{
			Slot: len(s.Clients) + 1, Name: name, PID: pid, Role: role, Process: monitor.ProcessRunning, Attached: 700, LastSeen: 0.012,
			Last: s.Head - 6*mib, Lag: uint64(read / 40),
			Counts: monitor.Counts{monitor.Writes: uint64(wrote) / 1e3, monitor.WrittenBytes: uint64(wrote * 700), monitor.Reads: uint64(read) / 1e3, monitor.ReadBytes: uint64(read * 700)},
			Rates:  monitor.Rates{monitor.WrittenBytes: wrote, monitor.ReadBytes: read, monitor.Reads: read / 1e6},
		})
	}
	add("front camera", 4802, "client", 186.6e6, 0)
	add("lidar driver", 4803, "client", 24e6, 0)
	add("框架检测器", 31, "read-only", 0, 187e6)
	add("recorder 📼", 4810, "read-only", 0, 257e6)
	add("framebuffer sub camera/front", 4901, "client", 0, 186.6e6)
	place := uint64(0)
	topics := func(name string, size uint64, fps float64, meta topic.Meta, from string, n int, readers ...monitor.Subscriber) {
		i := len(s.Topics)
		s.Topics = append(s.Topics, monitor.Topic{
			Index: 7 * i, Name: name, Published: uint64(fps * 700), Bytes: uint64(fps*700) * size, FrameRate: fps, ByteRate: fps * float64(size), Depth: 1024,
			Subscribers: readers, Newest: &monitor.Frame{Sequence: uint64(fps*700) - 1, Size: int(size), Age: 0.017, Source: from, Meta: meta},
		})
		for k := range uint64(n) {
			v.Spans = append(v.Spans, monitor.Span{Topic: 7 * i, Place: (place + k*14*mib) % s.Capacity, Length: size})
		}
		place += size
	}
	reader := func(slot int, name string, pid int, lag uint64) monitor.Subscriber {
		return monitor.Subscriber{Slot: slot, Name: name, PID: pid, Lag: lag, Received: 20_991}
	}
	topics("camera/front", 6_220_800, 30, topic.Meta{Width: 1920, Height: 1080, Format: "rgb24"}, "front camera", 33,
		reader(4, "框架检测器", 31, 0), reader(5, "recorder 📼", 4810, 2), reader(6, "framebuffer sub camera/front", 4901, 1))
	topics("lidar", 2_400_000, 10, topic.Meta{Shape: []int{100000, 6}, Format: "float32"}, "lidar driver", 33, reader(5, "recorder 📼", 4810, 0))
	topics("状态/速度", 512, 100, topic.Meta{ContentType: "application/json"}, "lidar driver", 33)
	topics("thumbnails", 40_000, 10, topic.Meta{ContentType: "image/jpeg"}, "front camera", 12)
	s.Topics[3].Groups = []monitor.Group{{Name: "uploaders", Lag: 1}}
	for i := range 95 {
		wave := 1 + 0.4*math.Sin(float64(i)/7)
		p := monitor.Point{Span: 1, Rates: monitor.Rates{monitor.AllocatedBytes: 190e6 * wave, monitor.ReadBytes: 370e6 * wave}, Horizon: monitor.Horizon{Now: monitor.Seconds(2.7 / wave)}}
		if i < 20 {
			p.Rates, p.Horizon.Now = monitor.Rates{}, never()
		}
		v.History = append(v.History, p)
	}
	before := *s
	before.Time = noon.Add(-5 * time.Second)
	v.Before = &before
	return v
}

// many is more clients and topics than any screen has room for, with names of every kind.
func many() *View {
	v := busy()
	s := v.Snapshot
	for i := range 60 {
		s.Clients = append(s.Clients, monitor.Client{
			Slot: 10 + i, Name: names[i%len(names)], PID: 10_000 + 37*i, Role: "client", Process: monitor.ProcessUnknown, Attached: monitor.Seconds(i * i),
			LastSeen: monitor.Seconds(i), Rates: monitor.Rates{monitor.WrittenBytes: float64((i * 7919) % 100 * 1_000_000)},
		})
		s.Topics = append(s.Topics, monitor.Topic{
			Index: 100 + i, Name: fmt.Sprintf("t%02d %s", i, names[i%len(names)]), Published: uint64(i * i * i * 1000), Bytes: uint64(i * 1e6), Depth: 1024, Ended: i%9 == 0,
		})
	}
	return v
}

// names are such as terminals disagree about.
var names = []string{
	"plain", "前方カメラ", "한국어 이름", "👨‍👩‍👧‍👦 family", "❤️ heart", "🇩🇪 flag", "e\u0301 combined", "नमस्ते", "שלום", "\u202eright to left", "👍🏽 skin",
	"1️⃣ keycap", "zero\u200bwidth", "z\u0351\u0352\u0353algo", "\u0301lone mark", "ﷺ", "\ufeffbom", "\u2028line", "日本語の非常に長い名前がここにあります", "",
}

// holds are three, one of them over the end of the ring.
func holds() *View {
	v := busy()
	s := v.Snapshot
	s.Held = 48 * mib
	s.Holds = []monitor.Hold{
		{Place: 60 * mib, Length: 6 * mib, Left: 0.85, Confirmed: true},
		{Place: 200 * mib, Length: 18 * mib, Left: 12.5, Confirmed: true},
		{Place: 488 * mib, Length: 24 * mib, Left: 3.1},
	}
	return v
}

// short is a ring that is too small for its readers.
func short() *View {
	v := busy()
	s := v.Snapshot
	s.Horizon = monitor.Horizon{Now: 0.31, Worst: 0.28, Oldest: 0.3}
	s.Rates[monitor.Overwritten], s.Total[monitor.Overwritten], s.Total[monitor.Altered] = 14.2, 1234, 2
	s.Clients[3].Rates[monitor.Overwritten], s.Clients[3].Counts[monitor.Overwritten] = 14.2, 1231
	s.Clients[3].Counts[monitor.Altered] = 2
	s.Clients[5].Process = monitor.ProcessStopped
	s.Clients[2].Process = monitor.ProcessGone
	s.Clients[4].Lag = 391 * mib
	s.Topics[0].Subscribers[0].Lag, s.Topics[0].Subscribers[1].Lag, s.Topics[0].Subscribers[2].Lag = 31, 19, 92
	old := *s
	old.Time = noon.Add(-5 * time.Second)
	old.Clients, old.Topics = slices.Clone(s.Clients), slices.Clone(s.Topics)
	old.Topics[0].Subscribers = slices.Clone(s.Topics[0].Subscribers)
	s.Topics[0].Subscribers[0].Lost = 86
	v.Before = &old
	return v
}

func inState(state monitor.State) *View {
	v := busy()
	v.Snapshot.State, v.Snapshot.Rates, v.Snapshot.Horizon.Now = state, monitor.Rates{}, never()
	return v
}

// first is a ring in its first lap, with a topic.
func first() *View {
	v := busy()
	s := v.Snapshot
	s.Head, s.Place, s.Laps = s.Start+140*mib, 440*mib, 0.28
	s.Horizon = monitor.Horizon{Now: 9.1, Worst: 9.1, Oldest: 2.5}
	for i := range v.Spans {
		v.Spans[i].Place = 300*mib + v.Spans[i].Place%(130*mib)
	}
	return v
}

// hostile is what stands there if somebody writes nonsense over everything.
func hostile() *View {
	v := busy()
	s := v.Snapshot
	s.Capacity, s.Start, s.Head, s.Place, s.Laps, s.Held = 1, math.MaxUint64, 3, math.MaxUint64, math.Inf(1), math.MaxUint64
	s.Age, s.Horizon = nan(), monitor.Horizon{Now: never(), Worst: -5, Oldest: never()}
	s.Holds = []monitor.Hold{{Place: math.MaxUint64, Length: math.MaxUint64, Left: nan()}}
	s.Rates = monitor.Rates{monitor.AllocatedBytes: math.Inf(1), monitor.ReadBytes: math.NaN(), monitor.Overwritten: math.MaxFloat64}
	s.Total = monitor.Counts{monitor.Overwritten: math.MaxUint64, monitor.Altered: math.MaxUint64}
	for i := range s.Clients {
		s.Clients[i].PID, s.Clients[i].Lag, s.Clients[i].LastSeen = math.MinInt, math.MaxUint64, -1e300
		s.Clients[i].Rates = s.Rates
	}
	for i := range s.Topics {
		s.Topics[i].Published, s.Topics[i].Bytes, s.Topics[i].Depth, s.Topics[i].ByteRate = math.MaxUint64, math.MaxUint64, 0, math.Inf(1)
		s.Topics[i].Newest.Size, s.Topics[i].Newest.Age = math.MinInt, -1e18
	}
	for i := range v.Spans {
		v.Spans[i] = monitor.Span{Topic: -i, Place: math.MaxUint64, Length: math.MaxUint64}
	}
	for i := range v.History {
		v.History[i] = monitor.Point{Span: monitor.Seconds(-i), Rates: s.Rates, Horizon: s.Horizon}
	}
	return v
}

func scenes() map[string]func() *View {
	return map[string]func() *View{
		"empty": empty, "busy": busy, "many": many, "holds": holds, "short": short, "first": first, "hostile": hostile,
		"closed": func() *View { return inState(monitor.Closed) }, "gone": func() *View { v := inState(monitor.Gone); v.Follows, v.Restarts = true, 2; return v },
		"nothing": func() *View { return &View{} },
		"help":    func() *View { v := busy(); v.Help = true; return v },
		"sorted": func() *View {
			v := many()
			v.Focus, v.Zoom, v.Paused = topicsTable, true, true
			v.Tables[topicsTable] = Order{Column: "FRAMES", Reverse: true, Scroll: 12}
			return v
		},
		"ascii": func() *View { v := short(); v.ASCII = true; return v },
	}
}
