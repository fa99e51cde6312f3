package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/shm/shmtest"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/monitor/metrics"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

func TestMain(m *testing.M) { testproc.Main(m, testproc.Roles{"scribe": roleScribe}) }

// collect serves a segment and returns a gatherer of its figures.
func collect(t *testing.T, size int64) (*framebuffer.Server, *prometheus.Registry) {
	t.Helper()
	s, err := framebuffer.NewServer(size, &framebuffer.ServerOptions{Name: "server"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	m, err := monitor.Attach(s.Key())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	all := prometheus.NewPedanticRegistry()
	all.MustRegister(metrics.New(m))
	return s, all
}

func attach(t *testing.T, s *framebuffer.Server, name string) *framebuffer.Client {
	t.Helper()
	c, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// scrape returns every series by name and labels, and the text as Prometheus gets it.
func scrape(t *testing.T, from prometheus.Gatherer) (series map[string]float64, text string) {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series = make(map[string]float64)
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			v := m.GetGauge().GetValue()
			if f.GetType() == dto.MetricType_COUNTER {
				v = m.GetCounter().GetValue()
			}
			series[strings.TrimPrefix(f.GetName(), "framebuffer_")+"{"+strings.Join(labels, ",")+"}"] = v
		}
	}
	return series, b.String()
}

// promtool runs the real one.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	t.Run("promtool", func(t *testing.T) {
		testproc.NeedTools(t, "promtool")
		cmd := testproc.Command("promtool", args...)
		cmd.Stdin = strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	})
}

// A scrape has the figures of the memory, and Prometheus has nothing to say against it.
func TestScrape(t *testing.T) {
	server, from := collect(t, 1<<20)
	writer, reader := attach(t, server, "writer"), attach(t, server, `reader "1"\`)
	pub, err := topic.NewPublisher(writer, "cam")
	if err != nil {
		t.Fatal(err)
	}
	sub, err := topic.Subscribe(reader, "cam", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	if _, err := topic.Subscribe(reader, "cam", &topic.SubscribeOptions{Group: "g"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := pub.Publish(make([]byte, 1000), nil); err != nil {
			t.Fatal(err)
		}
	}
	msg, err := sub.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Get(msg.Frame); err != nil {
		t.Fatal(err)
	}
	wrong := msg.Frame
	wrong.Checksum++
	if _, err := reader.Get(wrong); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Fatal(err)
	}
	got, text := scrape(t, from)
	promtool(t, text, "check", "metrics")
	for series, want := range map[string]float64{
		"open{}": 1, "capacity_bytes{}": 1 << 20, "writes_total{}": 3, "written_bytes_total{}": 3000, "reads_total{}": 1, "read_bytes_total{}": 1000,
		"altered_total{}": 1, "overwritten_total{}": 0, "remote_reads_total{}": 0, "held_bytes{}": 0, "topics_without_series{}": 0,
		"client_writes_total{client=writer,role=client}":           3,
		`client_read_bytes_total{client=reader "1"\,role=client}`:  1000,
		`client_altered_total{client=reader "1"\,role=client}`:     1,
		`client_overwritten_total{client=reader "1"\,role=client}`: 0,
		"clients{client=server,role=server}":                       1,
		"topic_frames_total{topic=cam}":                            3,
		"topic_bytes_total{topic=cam}":                             3000,
		"topic_subscribers{topic=cam}":                             2,
		"group_lag_frames{group=g,topic=cam}":                      3,
		`subscription_lag_frames{client=reader "1"\,topic=cam}`:    3,
		"head_bytes_total{}":                                       got["allocated_bytes_total{}"],
		"client_allocated_bytes_total{client=writer,role=client}":  got["allocated_bytes_total{}"],
	} {
		if v, there := got[series]; !there || v != want {
			t.Errorf("%s is %v, %v; want %v", series, v, there, want)
		}
	}
	if !(got["horizon_seconds{}"] > 0) || !(got["horizon_worst_seconds{}"] > 0) || got["created_timestamp_seconds{}"] < 1.7e9 {
		t.Errorf("times:\n%s", text)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := scrape(t, from); got["open{}"] != 0 || got["writes_total{}"] != 3 {
		t.Errorf("after the server's end: %v", got)
	}
}

// Processes of one name come and go; their counters only grow, and there are never more
// series than promised, however many names there are.
func TestClientsComeAndGo(t *testing.T) {
	server, from := collect(t, 1<<16)
	var last float64
	for i := range 20 {
		c := attach(t, server, "worker")
		for range i%3 + 1 {
			if _, err := c.Put([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		got, _ := scrape(t, from)
		if n := got["client_writes_total{client=worker,role=client}"]; n != last+float64(i%3+1) {
			t.Fatalf("%v writes after %v and %d more", n, last, i%3+1)
		} else {
			last = n
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if got, _ := scrape(t, from); got["client_writes_total{client=worker,role=client}"] != last || got["clients{client=worker,role=client}"] != 0 {
			t.Fatalf("after it has left: %v", got)
		}
	}
	for i := range metrics.MaxClients + 50 {
		c := attach(t, server, fmt.Sprintf("name %d", i))
		if _, err := c.Put([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := from.Gather(); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, _ := scrape(t, from)
	names, sum := 0, 0.
	for series, v := range got {
		if strings.HasPrefix(series, "client_writes_total") {
			names++
			sum += v
		}
	}
	if names != metrics.MaxClients+1 || sum != got["writes_total{}"] || got["client_writes_total{client=(others),role=client}"] < 50 {
		t.Errorf("%d names with %v of %v writes, others %v", names, sum, got["writes_total{}"], got["client_writes_total{client=(others),role=client}"])
	}
}

// roleScribe: KEY; on each message writes nonsense over the tables.
func roleScribe(c *testproc.Child) error {
	m, err := shmtest.OfKey(c.Args[0])
	if err != nil {
		return err
	}
	defer m.Close()
	rnd := rand.New(rand.NewPCG(3, 3))
	for {
		var n int
		if err := c.Recv(&n); err != nil {
			return nil // the end of input
		}
		for range 200 {
			at := layout.HeaderSize + rnd.IntN(len(m.Control)-layout.HeaderSize)
			copy(m.Control[at:], "cam\x00\xff\n\"\\")
			m.Control[layout.OffHead+rnd.IntN(8)] = byte(rnd.Uint32())
		}
		if err := c.Send(n); err != nil {
			return err
		}
	}
}

// Whatever stands in the memory, a scrape is one that Prometheus takes.
func TestScrapeOfNonsense(t *testing.T) {
	server, from := collect(t, 1<<16)
	scribe := testproc.Start(t, "scribe", server.Key())
	var text string
	for i := range 100 {
		scribe.Send(i)
		scribe.Recv(new(int))
		_, text = scrape(t, from)
	}
	scribe.Done()
	promtool(t, text, "check", "metrics")
	if !strings.Contains(text, `\n`) && !strings.Contains(text, "?") {
		t.Errorf("no nonsense has arrived: this test tests nothing\n%s", text)
	}
}
