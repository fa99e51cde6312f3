package main

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

var update = flag.Bool("update", false, "write the golden files anew")

// busy is a snapshot with something of everything.
func busy() *monitor.Snapshot {
	const capacity = 500 << 20
	at := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	return &monitor.Snapshot{
		Time: at, State: monitor.Open,
		Identity: monitor.Identity{
			Segment: "63be2a74", Backend: "sysv", Path: "shared memory ids 12 and 13 of IPC namespace 4026531839", Pages: "transparent huge", Created: at, Age: 8100,
		},
		Ring: monitor.Ring{
			Capacity: capacity, Start: 640, Head: 640 + 40*capacity + 3<<20, Place: 3<<20 + 640, Laps: 40.006,
			Horizon: monitor.Horizon{Now: 1.42, Worst: 0.85, Oldest: 1.44}, Held: 12_500_000, HoldLimit: capacity / 2,
			Holds: []monitor.Hold{{Place: 100 << 20, Length: 6_220_864, Left: 0.5, Confirmed: true}, {Place: 499 << 20, Length: 6_220_864, Left: 0.1}},
		},
		Window: 5, Rates: monitor.Rates{monitor.Writes: 60, monitor.WrittenBytes: 373e6, monitor.Reads: 119.8, monitor.ReadBytes: 745e6, monitor.Overwritten: 0.2},
		Total:  monitor.Counts{monitor.Writes: 486_000, monitor.WrittenBytes: 3.02e12, monitor.Reads: 970_000, monitor.ReadBytes: 6.04e12, monitor.Overwritten: 1204, monitor.Altered: 3},
		Others: monitor.Counts{monitor.Reads: 12, monitor.ReadBytes: 74e6, monitor.Overwritten: 4, monitor.RemoteReads: 1, monitor.RemoteReadBytes: 11}, OthersWhy: "not permitted",
		Clients: []monitor.Client{
			{Slot: 1, Name: "framebuffer serve", PID: 12345, Role: "server", Process: monitor.ProcessRunning, LastSeen: monitor.Seconds(math.NaN())},
			{Slot: 2, Name: "camera", PID: 12350, Role: "client", Process: monitor.ProcessRunning, LastSeen: 0.011, Last: 704, Lag: 0,
				Counts: monitor.Counts{monitor.Writes: 486_000, monitor.WrittenBytes: 3.02e12}, Rates: monitor.Rates{monitor.Writes: 60, monitor.WrittenBytes: 373e6}},
			{Slot: 3, Name: "a detector with a long name", PID: 4194303, Role: "read-only", Process: monitor.ProcessStopped, LastSeen: 61, Last: 704, Lag: 480 << 20,
				Counts: monitor.Counts{monitor.Reads: 484_000, monitor.ReadBytes: 3.02e12, monitor.Overwritten: 1200, monitor.Altered: 3, monitor.RemoteReads: 123_456, monitor.RemoteReadBytes: 768e9, monitor.RemoteTimeouts: 12}, Why: "not on this host"},
			{Slot: 4, Name: "recorder", PID: 7, Role: "read-only", Process: monitor.ProcessGone, LastSeen: 3000},
		},
		Topics: []monitor.Topic{
			{Name: "camera/front", Published: 486_000, Bytes: 3.02e12, FrameRate: 60, ByteRate: 373e6,
				Newest:      &monitor.Frame{Size: 6_220_800, Age: 0.009, Source: "camera", Meta: topic.Meta{ContentType: "video/raw", Width: 1920, Height: 1080, Format: "rgb24"}},
				Subscribers: []monitor.Subscriber{{Name: "a detector with a long name", PID: 4194303, Lag: 78, Received: 484_000, Lost: 1122}},
				Groups:      []monitor.Group{{Name: "workers", Lag: 2}}},
			{Name: "a topic with a name of the greatest length that there may be ….", Ended: true, Published: 3, Bytes: 12,
				Newest: &monitor.Frame{Size: 4, Age: 86400 * 3, Meta: topic.Meta{Format: "float32", Shape: []int{1, 1}}}},
		},
		MoreTopics: 1,
	}
}

// The text is what it was, and no line wraps.
func TestStatGolden(t *testing.T) {
	first := busy()
	first.Window, first.Holds, first.Topics, first.Clients, first.Laps, first.State = 0, nil, nil, first.Clients[:1], 0.25, monitor.Gone
	first.Start, first.Head, first.Place = 450<<20, 575<<20, 75<<20
	first.Backend, first.Path = "file", "files /var/lib/kubelet/pods/5a8f0a0e-9a34-4f6e-b0b1-0c3c9d1c1f0e/volumes/frames/framebuffer-0011.ring and .control"
	first.Horizon = monitor.Horizon{Now: monitor.Seconds(math.Inf(1)), Worst: monitor.Seconds(math.NaN()), Oldest: 3}
	got := statText(busy(), 80) + "---\n" + statText(first, 80)
	const file = "testdata/stat.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(got) {
		if utf8.RuneCountInString(line) > 81 || strings.TrimRight(line, " \n") != strings.TrimRight(line, "\n") {
			t.Errorf("wraps, or ends in blanks: %q", line)
		}
	}
}

// Whatever the figures are, lines stay within 80 columns.
func TestStatOfNonsense(t *testing.T) {
	const most = math.MaxUint64
	s := busy()
	s.Capacity, s.Place, s.Laps, s.Held, s.HoldLimit, s.Head = 0, most, math.Inf(1), most, most, most
	s.Horizon = monitor.Horizon{Now: 1e300, Worst: -1e300, Oldest: 1e-300}
	s.Age = -1e300
	s.Rates = monitor.Rates{monitor.Writes: 1e300, monitor.WrittenBytes: 1e300, monitor.Reads: math.Inf(1), monitor.ReadBytes: math.NaN(), monitor.Overwritten: 1e30}
	s.Total = monitor.Counts{monitor.Overwritten: most, monitor.Altered: most, monitor.RemoteReads: most, monitor.RemoteReadBytes: most, monitor.RemoteTimeouts: most}
	s.Others = monitor.Counts{monitor.Writes: most, monitor.Reads: 5}
	s.Holds[0] = monitor.Hold{Place: most, Length: most}
	s.Clients[1].Counts, s.Clients[1].PID, s.Clients[1].Lag, s.Clients[1].LastSeen = s.Total, math.MaxUint32, most, 1e300
	s.Clients[1].Why = monitor.RemoteReason(strings.Repeat("x", 80))
	s.Topics[0].Published, s.Topics[0].Bytes, s.Topics[0].FrameRate, s.Topics[0].ByteRate = most, most, 1e300, 1e300
	s.Topics[0].Subscribers[0] = monitor.Subscriber{Name: strings.Repeat("x", 64), PID: math.MaxUint32, Lag: most, Received: most, Lost: most}
	s.Topics[0].Newest.Meta = topic.Meta{ContentType: strings.Repeat("x", 48), Width: math.MaxUint32, Height: math.MaxUint32, Format: "xxxxxxxxxxxxxxxx"}
	s.MoreTopics = math.MaxInt
	for line := range strings.Lines(statText(s, 80)) {
		if utf8.RuneCountInString(line) > 81 {
			t.Errorf("wraps: %q", line)
		}
	}
}

func stat(t testing.TB, args ...string) (s monitor.Snapshot) {
	t.Helper()
	r := runHere(t, "", append([]string{"stat", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(r.out), &s); err != nil || r.status != 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	return s
}

// stat sees what real processes do, and goes on seeing it when they are stopped or dead. (A server of
// memfd that is stopped lets no new client in.)
func TestStat(t *testing.T) {
	name, served, server := serving(t, "--size", "1MiB", "--backend", "sysv")
	sub := start(t, nil, "sub", "cam", "--name", name)
	if r := runCommand(t, strings.Repeat("x", 5000), "pub", "cam", "--name", name, "--wait", "1", "--frame-size", "1000", "--keep"); r.status != 0 {
		t.Fatalf("%+v", r)
	}
	var s monitor.Snapshot
	for s = stat(t, "--name", name); s.Total[monitor.Reads] < 5 || s.Topics[0].Subscribers[0].Lag > 0; s = stat(t, "--name", name, "--interval", "10ms") {
	}
	if s.State != monitor.Open || s.Backend != "sysv" || s.Total[monitor.Writes] != 5 || len(s.Clients) != 2 || s.Clients[1].Process != monitor.ProcessRunning ||
		s.Clients[1].PID != sub.Process.Pid || s.Topics[0].Published != 5 || s.Window <= 0 {
		t.Errorf("%+v", s)
	}
	r := runCommand(t, "", "stat", "--name", name, "--interval", "0")
	for _, want := range []string{"ring      open", "1.0 MiB", "sub cam", "5.0 kB", "TOPIC", "horizon", "0 overwritten, 0 altered"} {
		if !strings.Contains(r.out, want) || r.status != 0 {
			t.Errorf("no %q in\n%s%s", want, r.out, r.err)
		}
	}

	// Everybody stops: who has the key still sees all of it.
	for _, p := range []*os.Process{server.Process, sub.Process} {
		if err := p.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	for s = stat(t, served.Key, "--interval", "0"); s.Clients[0].Process != monitor.ProcessStopped || s.Clients[1].Process != monitor.ProcessStopped; s = stat(t, served.Key, "--interval", "0") {
	}
	if s.Topics[0].Published != 5 || s.State != monitor.Open {
		t.Errorf("while all are stopped: %+v", s)
	}
	// The server is killed, the others have the memory: a monitor that is attached says so, and none
	// attaches any more.
	m, err := monitor.Attach(served.Key)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	if s, err := m.Snapshot(); err != nil || s.State != monitor.Gone || len(s.Clients) != 1 || s.Topics[0].Newest == nil {
		t.Errorf("after the server was killed: %+v, %v", s, err)
	}
	if r := runCommand(t, "", "stat", served.Key, "--interval", "0"); !strings.Contains(r.err, "its server has died") || r.status != exitNoServer {
		t.Errorf("after the server was killed: %+v", r)
	}
	if err := sub.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// --watch goes on until it is interrupted, one line each time with --json.
func TestStatWatch(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB")
	cmd := command("stat", "--name", name, "--watch", "--json", "--interval", "1ms")
	lines := json.NewDecoder(outputOf(t, cmd))
	var last time.Time
	for range 5 {
		var s monitor.Snapshot
		if err := lines.Decode(&s); err != nil || !s.Time.After(last) {
			t.Fatalf("%v, %v after %v", err, s.Time, last)
		}
		last = s.Time
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for {
		var s monitor.Snapshot
		if lines.Decode(&s) != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"--interval=-1s"}, {"--interval=0", "--watch"}} {
		if r := runHere(t, "", append([]string{"stat", "--name", name}, args...)...); r.status != exitUsage || !strings.Contains(r.err, "interval") {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if r := runHere(t, "", "stat", "garbage"); r.status != exitUsage {
		t.Errorf("%+v", r)
	}
	if got := firstLines("1\n2\n3\n4\n", 3); got != "1\n2\n…\n" {
		t.Errorf("cut to %q", got)
	}
}

// Found by its name or by the file with its key, a server that has ended is followed by the next.
func TestStatGoesOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	name, _, server := serving(t, "--size", "1MiB", "--key-file", file)
	var watchers []*json.Decoder
	for _, how := range [][]string{{"--name", name}, {"--key-file", file}} {
		watchers = append(watchers, json.NewDecoder(piped(t, append([]string{"stat", "--watch", "--json", "--interval", "10ms"}, how...)...)))
	}
	// All of them see a state, of a ring of so much.
	all := func(state monitor.State, capacity uint64) {
		t.Helper()
		for _, w := range watchers {
			for s := (monitor.Snapshot{}); s.State != state || s.Capacity != capacity; {
				if err := w.Decode(&s); err != nil {
					t.Fatalf("waiting for %s: %v", state, err)
				}
			}
		}
	}
	all(monitor.Open, 1<<20)
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	all(monitor.Gone, 1<<20)
	_, server = servingAs(t, name, "--size", "2MiB", "--key-file", file)
	all(monitor.Open, 2<<20)
	end(t, server)
	all(monitor.Closed, 2<<20)
	servingAs(t, name, "--size", "3MiB", "--key-file", file)
	all(monitor.Open, 3<<20)
}
