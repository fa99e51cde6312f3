package hosts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// plan is what a host is.
type plan struct {
	Host    string
	Ring    int64
	Config  string // a NATS configuration file, or
	URL     string // of a NATS server
	Mirrors []remote.MirrorOptions

	RemoteAllocate int64
}

// order is what a host is told to do; result is what comes back.
type order struct {
	Do    string // put, get, publish, stop, subscribe, record, recordings, report, hosts
	Frame framebuffer.Frame
	Size  int
	Seed  uint64
	Topic string
	Gap   time.Duration // between frames

	Recording string
}

type result struct {
	Frame   framebuffer.Frame
	Err     string
	Timeout bool
	Same    bool // the bytes are those of the seed
	Took    time.Duration
	Reads   remote.ReaderStats
	Hosts   []string
	IDs     []string // of those
	Mirrors []remote.MirrorStats
	Topics  map[string]tally
	Failure string // a fault of the host itself

	Recordings []record.Recording
}

// tally is what became of a topic's frames on a host.
type tally struct{ Published, Received, Lost, Late, Wrong, Next uint64 }

// read is how many frames were read in time.
func (t tally) read() uint64 { return t.Received - t.Late }

// content is what a frame of that seed and size has in it.
func content(seed uint64, size int) []byte {
	b := make([]byte, size)
	r := rand.NewPCG(seed, 1)
	for i := range b {
		if i%64 == 0 || i < 64 {
			b[i] = byte(r.Uint64())
		} else {
			b[i] = b[i-64] + byte(i>>6) + 1
		}
	}
	return b
}

// sizeOf is the size of a topic's frame with that number.
func sizeOf(number uint64, most int) int { return 1 + int(number*2654435761%uint64(most)) }

// host is the process of one host.
type host struct {
	client *service.Client
	ring   *framebuffer.Client
	life   context.Context
	work   sync.WaitGroup

	publishing context.Context // nil until an order to publish
	stop       context.CancelFunc

	mu     sync.Mutex
	topics map[string]tally
	err    error
}

// roleHost: serves as planned and does as it is told.
func roleHost(c *testproc.Child) (err error) {
	var p plan
	if err := c.Recv(&p); err != nil {
		return err
	}
	server, err := framebuffer.NewServer(p.Ring, &framebuffer.ServerOptions{Backend: "sysv", Topics: 512, TopicDepth: 64})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("HOSTS_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("host", p.Host)
	}
	svc, err := service.Serve(context.Background(), server, &service.ServeOptions{Host: p.Host, NATSConfig: p.Config, URL: p.URL, Mirrors: p.Mirrors, RemoteAllocate: p.RemoteAllocate, Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	client, err := service.Connect(context.Background(), &service.Options{Logger: log})
	if err != nil {
		return err
	}
	ring, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ring.Close()) }()
	life, end := context.WithCancel(context.Background())
	h := &host{client: client, ring: ring, life: life, topics: map[string]tally{}}
	defer func() { err = errors.Join(err, h.client.Close()) }() // whichever it has by then
	defer h.work.Wait()
	defer end()
	if err := c.Send(result{}); err != nil {
		return err
	}
	for {
		var o order
		if err := c.Recv(&o); err != nil {
			return nil //nolint:nilerr // the end of input is what was waited for
		}
		if err := c.Send(h.do(o)); err != nil {
			return err
		}
	}
}

func (h *host) do(o order) (r result) {
	var err error
	switch o.Do {
	case "connect": // anew, as one that knows nothing of what was read
		err = h.client.Close()
		if err == nil {
			h.client, err = service.Connect(h.life, nil)
		}
	case "put":
		r.Frame, err = h.client.Put(context.Background(), content(o.Seed, o.Size))
	case "get":
		var data []byte
		begun := time.Now()
		data, err = h.client.Get(h.life, o.Frame)
		r.Took = time.Since(begun)
		r.Same = err == nil && string(data) == string(content(o.Seed, o.Frame.Size))
		r.Timeout = errors.Is(err, framebuffer.ErrTimeout)
	case "publish":
		if h.stop == nil {
			h.publishing, h.stop = context.WithCancel(h.life)
		}
		h.begin(func() error { return h.publish(h.publishing, o) })
	case "stop":
		h.stop()
	case "subscribe":
		var sub *topic.Subscription
		if sub, err = topic.Subscribe(h.ring, o.Topic, nil); err == nil {
			h.begin(func() error { return h.receive(sub, o) })
		}
	case "record":
		var rec *record.Recorder
		if rec, err = record.NewRecorder(h.life, h.client.NATS(), h.ring, &record.RecorderOptions{Topic: o.Topic, Recording: o.Recording}); err == nil {
			h.begin(func() error { return rec.Run(h.life) })
		}
	case "recordings":
		r.Recordings, err = record.List(h.life, h.client.NATS())
	case "hosts":
		var all []remote.Host
		all, err = remote.Hosts(h.life, h.client.NATS())
		for _, one := range all {
			r.Hosts = append(r.Hosts, one.Host+one.Err)
			r.IDs = append(r.IDs, one.ID)
		}
	case "report":
		r.Reads = h.client.ReaderStats()
		if h.client.NATS().IsConnected() { // otherwise it would wait for that
			var about remote.Host
			about, err = h.client.About(h.life)
			r.Mirrors = about.Mirrors
		}
		h.mu.Lock()
		r.Topics = map[string]tally{}
		for name, t := range h.topics {
			r.Topics[name] = t
		}
		if h.err != nil {
			r.Failure = h.err.Error()
		}
		h.mu.Unlock()
	default:
		err = fmt.Errorf("no such order: %s", o.Do)
	}
	if err != nil {
		r.Err = err.Error()
	}
	return r
}

// begin runs something beside what else goes on. Its failure is in the report.
func (h *host) begin(f func() error) {
	h.work.Go(func() {
		if err := f(); err != nil && h.life.Err() == nil {
			h.mu.Lock()
			h.err = errors.Join(h.err, err)
			h.mu.Unlock()
		}
	})
}

func (h *host) count(name string, f func(*tally)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[name]
	f(&t)
	h.topics[name] = t
}

// publish publishes frames whose seeds are their numbers until it is stopped.
func (h *host) publish(ctx context.Context, o order) error {
	pub, err := topic.NewPublisher(h.ring, o.Topic)
	if err != nil {
		return err
	}
	tick := time.NewTicker(max(o.Gap, time.Microsecond))
	defer tick.Stop()
	for n := pub.Next(); ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := pub.Publish(content(n, sizeOf(n, o.Size)), &topic.Meta{User: []byte(strconv.FormatUint(n, 10))}); err != nil {
			return err
		}
		h.count(o.Topic, func(t *tally) { t.Published++ })
	}
}

// receive compares what comes, byte for byte, with what was published. The seed is what the
// publisher said, since a copy's numbers go on when the original begins anew.
func (h *host) receive(sub *topic.Subscription, o order) error {
	defer sub.Close()
	for {
		m, err := sub.Next(h.life)
		if err != nil {
			return err
		}
		seed, err := strconv.ParseUint(string(m.Meta.User), 10, 64)
		if err != nil {
			return fmt.Errorf("metadata of number %d: %w", m.Sequence, err)
		}
		data, err := h.ring.Get(m.Frame)
		h.count(o.Topic, func(t *tally) {
			t.Received++
			t.Lost += m.Lost
			t.Next = m.Sequence + 1
			switch {
			case errors.Is(err, framebuffer.ErrTimeout):
				t.Late++
			case err != nil || string(data) != string(content(seed, sizeOf(seed, o.Size))):
				t.Wrong++
			}
		})
	}
}
