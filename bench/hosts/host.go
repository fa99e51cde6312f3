package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/topic"
)

// order is what a host is told to do.
type order struct {
	Do      string
	Size    int
	Count   int
	Readers int // besides the one whose latency it is
	Topics  []string
	From    string // a host
	Frames  []framebuffer.Frame
}

type answer struct {
	Err       string
	Seconds   float64
	CPU       float64 // seconds of this process's since it began
	Rate      float64
	Latencies []float64 // seconds
	Frames    []framebuffer.Frame
}

// host is the process of one host.
type host struct {
	client *service.Client
	ring   *framebuffer.Client
	nats   *nats.Conn
	data   []byte
	into   [][]byte           // where frames are read to
	end    context.CancelFunc // of the mirrors
	work   sync.WaitGroup
}

const ringSize = 192 << 20

// Where a host's NATS is. Bare payloads always reach it over TCP, and frames do beside; inside of serve they
// do without.
const (
	beside = "beside"
	inside = "inside"
)

// startNATS starts a nats-server in this process.
func startNATS(conf string) (*natsserver.Server, error) {
	opts, err := natsserver.ProcessConfigFile(conf)
	if err != nil {
		return nil, err
	}
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", natsserver.RANDOM_PORT, true, true
	ns, err := natsserver.NewServer(opts)
	if err != nil {
		return nil, err
	}
	go ns.Start()
	if !ns.ReadyForConnections(10 * time.Second) {
		return nil, errors.New("NATS is not ready")
	}
	return ns, nil
}

func play(name, conf, where string) (err error) {
	server, err := framebuffer.NewServer(ringSize, &framebuffer.ServerOptions{Topics: 256, TopicDepth: 128})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	cfg := service.ServeOptions{Host: name, NATSConfig: conf}
	if where == beside {
		ns, err := startNATS(conf)
		if err != nil {
			return err
		}
		defer func() { ns.Shutdown(); ns.WaitForShutdown() }()
		cfg.NATSConfig, cfg.URL = "", ns.ClientURL()
	}
	svc, err := service.Serve(context.Background(), server, &cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	h := &host{data: make([]byte, frameSize), into: [][]byte{make([]byte, frameSize), make([]byte, frameSize)}, end: func() {}}
	if h.client, err = service.Connect(context.Background(), nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.client.Close()) }()
	if h.ring, err = framebuffer.Attach(server.Key(), nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.ring.Close()) }()
	if h.nats, err = service.Dial(context.Background(), nil); err != nil {
		return err
	}
	defer h.nats.Close()
	defer h.work.Wait()
	defer func() { h.end() }()
	for i := range h.data {
		h.data[i] = byte(i * 7)
	}
	for range ringSize/frameSize + 1 { // the kernel gives the memory now, and not while it is measured
		if _, err := h.ring.Put(h.data); err != nil {
			return err
		}
	}
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	if err := out.Encode(answer{}); err != nil {
		return err
	}
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		var o order
		if err = errors.Join(err, json.Unmarshal(line, &o)); err != nil {
			return err
		}
		var a answer
		if err := h.do(o, &a); err != nil {
			a.Err = fmt.Sprintf("%s: %s: %v", name, o.Do, err)
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
}

func (h *host) do(o order, a *answer) (err error) {
	switch o.Do {
	case "cpu":
		var u syscall.Rusage
		err = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		a.CPU = time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	case "put":
		for range burst {
			f, putErr := h.ring.Put(h.data)
			a.Frames, err = append(a.Frames, f), errors.Join(err, putErr)
		}
	case "read":
		err = h.read(o, a)
	case "bare", "stream":
		err = h.send(o, a)
	case "sink":
		err = h.sink()
	case "make":
		for _, name := range o.Topics {
			if _, err := topic.NewPublisher(h.ring, name); err != nil {
				return err
			}
		}
	case "mirror":
		err = h.mirror(o.Topics, o.From)
	case "unmirror":
		h.end()
		h.work.Wait()
		h.end = func() {}
	case "live", "many":
		err = h.aside(o, a)
	default:
		err = errors.New("no such order")
	}
	return err
}

// read reads frames of another host, so many at a time.
func (h *host) read(o order, a *answer) error {
	var wg sync.WaitGroup
	errs := make([]error, o.Count)
	begun := time.Now()
	for i := range o.Count {
		wg.Go(func() {
			for n := i; n < len(o.Frames); n += o.Count {
				errs[i] = errors.Join(errs[i], h.client.GetInto(context.Background(), h.into[i], o.Frames[n]))
			}
		})
	}
	wg.Wait()
	a.Seconds = time.Since(begun).Seconds()
	return errors.Join(errs...)
}

// mirror copies topics of another host too, and returns when all of them come.
func (h *host) mirror(topics []string, from string) error {
	ctx, cancel := context.WithCancel(context.Background())
	before := h.end
	h.end = func() { cancel(); before() }
	var all []*remote.Mirror
	for _, name := range topics {
		m, err := remote.NewMirror(h.client.NATS(), h.ring, &remote.MirrorOptions{Topic: name, From: from})
		if err != nil {
			return err
		}
		all = append(all, m)
		h.work.Go(func() {
			if err := m.Run(ctx); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		})
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		running, why := 0, ""
		for _, m := range all {
			if s := m.Stats(); s.State == remote.MirrorRunning {
				running++
			} else {
				why = s.Why
			}
		}
		if running == len(all) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d of %d topics come: %s", running, len(all), strings.TrimSpace(why))
		}
	}
}
