package monitor_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

func serve(t testing.TB, size int64, opts *framebuffer.ServerOptions) *framebuffer.Server {
	t.Helper()
	s, err := framebuffer.NewServer(size, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func attach(t testing.TB, key string, opts *framebuffer.ClientOptions) *framebuffer.Client {
	t.Helper()
	c, err := framebuffer.Attach(key, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func watch(t testing.TB, key string) *monitor.Monitor {
	t.Helper()
	m, err := monitor.Attach(key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func look(t testing.TB, m *monitor.Monitor) *monitor.Snapshot {
	t.Helper()
	s, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A key lets others in, so it must not be in what is shown to others.
func TestNoKeyInASnapshot(t *testing.T) {
	server := serve(t, 1<<16, nil)
	pub, err := topic.NewPublisher(attach(t, server.Key(), nil), "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pub.Publish([]byte("hello"), nil); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(look(t, watch(t, server.Key())))
	if err != nil {
		t.Fatal(err)
	}
	nonce := strings.Split(server.Key(), "_")[3]
	if !strings.Contains(string(text), `"newest":{`) || strings.Contains(string(text), nonce) {
		t.Errorf("with the nonce %s in it: %s", nonce, text)
	}
}

// What clients do is seen, by whom, and looking changes nothing.
func TestSnapshot(t *testing.T) {
	server := serve(t, 1<<20, &framebuffer.ServerOptions{Name: "the server"})
	before := server.Stats()
	m := watch(t, server.Key())
	first := look(t, m)
	if after := server.Stats(); after.Total != before.Total {
		t.Errorf("looking has changed something: %+v, %+v", before, after)
	}
	if first.State != monitor.Open || first.Window != 0 || len(first.Clients) != 1 || first.Clients[0].Role != "server" ||
		first.Horizon.Now.Known() || first.Horizon.Worst.Known() || first.Horizon.Oldest.Known() || first.Laps != 0 {
		t.Errorf("nothing has happened yet: %+v", first)
	}
	writer := attach(t, server.Key(), &framebuffer.ClientOptions{Name: "writer"})
	reader := attach(t, server.Key(), &framebuffer.ClientOptions{Name: "reader\x1b", ReadOnly: true})
	pub, err := topic.NewPublisher(writer, "cam")
	if err != nil {
		t.Fatal(err)
	}
	sub, err := topic.Subscribe(reader, "cam", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	for range 3 {
		if _, err := pub.Publish(make([]byte, 1000), &topic.Meta{Width: 10, Height: 100, Format: "gray"}); err != nil {
			t.Fatal(err)
		}
	}
	msg, err := sub.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	hold, err := writer.Hold(msg.Frame, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hold.Release() }()
	wrong := msg.Frame
	wrong.Checksum++
	if _, err := reader.Get(wrong); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Fatal(err)
	}
	s := look(t, m)
	if s.Window <= 0 || s.Rates[monitor.Writes] <= 0 || s.Total[monitor.Writes] != 3 || s.Total[monitor.Altered] != 1 || s.Rates.Timeouts() <= 0 || !(s.Horizon.Now > 0) {
		t.Errorf("figures: %+v", s)
	}
	if len(s.Clients) != 3 || s.Clients[1].Name != "writer" || s.Clients[2].Name != "reader?" || s.Clients[2].Counts[monitor.Altered] != 1 ||
		s.Clients[1].Process != monitor.ProcessRunning || s.Clients[1].Rates[monitor.WrittenBytes] <= 0 {
		t.Errorf("clients: %+v", s.Clients)
	}
	if len(s.Holds) != 1 || s.Holds[0].Place != (msg.Frame.Offset-64)%s.Capacity || !s.Holds[0].Confirmed || s.Held != 1088 || !(s.Holds[0].Left > 3000) {
		t.Errorf("holds: %+v, %d", s.Holds, s.Held)
	}
	c := s.Topics[0]
	if len(s.Topics) != 1 || c.Name != "cam" || c.Published != 3 || c.Bytes != 3000 || c.FrameRate <= 0 || len(c.Subscribers) != 1 || c.Subscribers[0].Lag != 3 ||
		c.Newest == nil || c.Newest.Sequence != 2 || c.Newest.Meta.Width != 10 || c.Newest.Source != "writer" {
		t.Errorf("topic: %+v, newest %+v", c, c.Newest)
	}
	if data, err := m.Read(c.Newest); err != nil || len(data) != 1000 {
		t.Errorf("reading the newest frame: %d bytes, %v", len(data), err)
	}
	spans, err := m.Spans(s)
	if err != nil || len(spans) != 3 || spans[0].Length != 1088 {
		t.Errorf("spans: %+v, %v", spans, err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back monitor.Snapshot
	if err := json.Unmarshal(text, &back); err != nil || back.Head != s.Head || back.Topics[0].Newest.Meta.Format != "gray" {
		t.Errorf("JSON: %v\n%s", err, text)
	}

	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if s := look(t, m); s.State != monitor.Closed || s.Topics[0].Published != 3 {
		t.Errorf("after the server's end: %+v", s)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := m.Snapshot(); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("after Close: %+v, %v", s, err)
	}
}
