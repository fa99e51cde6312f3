package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/xproc"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/topic"
)

// order is what an owner is told to do.
type order struct {
	Put, Allocate int
	Seed          uint64
	Topic         string // publish Count frames to it, of Put bytes at most
	Count         int
	End           bool // of the topic
}

// sizeOf is the size of the frame with that seed in a topic, up to most.
func sizeOf(seed uint64, most int) int { return 1 + int(seed*2654435761%uint64(most)) }

// publish puts frames into a topic, whose seeds are their numbers and begin with Seed.
func (o order) publish(client *framebuffer.Client) error {
	pub, err := topic.NewPublisher(client, o.Topic)
	if err != nil {
		return err
	}
	for i := range uint64(o.Count) {
		seed := o.Seed + i
		meta := &topic.Meta{ContentType: "test", Width: int(seed), User: []byte(strconv.FormatUint(seed, 10))}
		if seed%3 == 0 {
			meta = nil
		}
		f, err := client.Put(content(seed, sizeOf(seed, o.Put)))
		if err != nil {
			return err
		}
		if _, err := pub.PublishFrame(f, meta, time.Unix(int64(seed), 1)); err != nil {
			return err
		}
	}
	if o.End {
		return pub.End()
	}
	return nil
}

// content is what a frame of that seed and size has in it.
func content(seed uint64, size int) []byte {
	b := make([]byte, size)
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

// roleOwner has a ring and does as it is told: name, URL, size of the ring.
func roleOwner(c *xproc.Child) error {
	size, err := strconv.ParseInt(c.Args[2], 10, 64)
	if err != nil {
		return err
	}
	server, err := framebuffer.NewServer(size, nil)
	if err != nil {
		return err
	}
	defer server.Close()
	svc, err := service.Serve(service.Config{Server: server, Name: c.Args[0], Host: "owner", URL: c.Args[1]})
	if err != nil {
		return err
	}
	defer svc.Close()
	client, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := c.Send(server.Key()); err != nil {
		return err
	}
	for {
		var o order
		if err := c.Recv(&o); err != nil {
			return nil // the end of input is what was waited for
		}
		var f framebuffer.Frame
		switch {
		case o.Topic != "":
			err = o.publish(client)
		case o.Allocate > 0:
			f.Offset, err = client.Allocate(o.Allocate)
		default:
			f, err = client.Put(content(o.Seed, o.Put))
		}
		if err == nil {
			err = c.Send(f)
		}
		if err != nil {
			return err
		}
	}
}

// owner is a server whose memory is out of reach, as that of another host is.
type owner struct {
	*xproc.Proc
	key string
}

func startOwner(t testing.TB, url string, ring int) *owner {
	t.Helper()
	xproc.NeedRoot(t)
	o := &owner{Proc: xproc.StartWith(t, []xproc.Option{xproc.Namespaces(syscall.CLONE_NEWIPC)}, "owner", unique(t), url, strconv.Itoa(ring))}
	o.Recv(&o.key)
	return o
}

func (o *owner) do(what order) (f framebuffer.Frame) {
	o.Send(what)
	o.Recv(&f)
	return f
}

// reader is one on a host without a server.
func reader(t testing.TB, url string, opts *service.ReaderOptions) *service.Reader {
	t.Helper()
	r := service.NewReader(dial(t, service.Options{URL: url}), opts)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// anyReader is what reads frames wherever they are.
type anyReader interface {
	Get(framebuffer.Frame) ([]byte, error)
	GetInto([]byte, framebuffer.Frame) error
	View(framebuffer.Frame, func([]byte) error) error
	Ways() service.Ways
}

// Frames of another host have their bytes, whatever their size: one byte, around the borders
// of parts and payloads, and as large as the ring; also where NATS takes small payloads only.
func TestReadFromAnotherHost(t *testing.T) {
	const ring = 3 << 20
	for _, payload := range []int32{8 << 10, 1 << 20} {
		t.Run(strconv.Itoa(int(payload)), func(t *testing.T) {
			url := runNATS(t, &natsserver.Options{MaxPayload: payload})
			o := startOwner(t, url, ring)
			_, _ = serve(t, service.Config{URL: url, Name: unique(t)})
			readers := map[string]anyReader{"a client": connect(t, service.Options{URL: url}), "a reader": reader(t, url, nil)}
			seed := uint64(0)
			for _, size := range []int{1, 4095, 4096, 4097, 256<<10 - 1, 256 << 10, 256<<10 + 1, 1 << 20, ring - 64} {
				seed++
				f := o.do(order{Put: size, Seed: seed})
				want := content(seed, size)
				for who, r := range readers {
					got, err := r.Get(f)
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("Get of %d bytes by %s: %d bytes, %v", size, who, len(got), err)
					}
					clear(got)
					if err := r.GetInto(got, f); err != nil || !bytes.Equal(got, want) {
						t.Fatalf("GetInto of %d bytes by %s: %v", size, who, err)
					}
					err = r.View(f, func(b []byte) error {
						if !bytes.Equal(b, want) {
							return errors.New("other bytes")
						}
						return nil
					})
					if err != nil {
						t.Fatalf("View of %d bytes by %s: %v", size, who, err)
					}
				}
			}
			for who, r := range readers {
				w := r.Ways()
				if w.Remote != 27 || w.Local != 0 || len(w.Rings) != 1 || !w.Rings[0].Remote || w.Rings[0].Why == "" {
					t.Errorf("the ways of %s: %+v", who, w)
				}
			}
		})
	}
}

// Frames of this host go through shared memory, also those of another server on it.
func TestReadFromThisHost(t *testing.T) {
	url := ownNATS(t)
	_, _ = serve(t, service.Config{URL: url, Name: unique(t) + "a"})
	other, _ := serve(t, service.Config{URL: url, Name: unique(t) + "b"})
	w, err := framebuffer.Attach(other.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	f, err := w.Put([]byte("near"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []anyReader{connect(t, service.Options{URL: url}), reader(t, url, nil)} {
		if got, err := r.Get(f); err != nil || string(got) != "near" {
			t.Errorf("%q, %v", got, err)
		}
		if w := r.Ways(); w.Local != 1 || w.LocalBytes != 4 || w.Remote != 0 {
			t.Errorf("%+v", w)
		}
	}
}

// What is not to be had is a timeout that says why, and the caller's buffer has none of it.
func TestTimeoutsOfAnotherHost(t *testing.T) {
	url := ownNATS(t)
	const ring, size = 4 << 20, 1 << 20
	o := startOwner(t, url, ring)
	r := reader(t, url, nil)
	f := o.do(order{Put: size, Seed: 1})
	dst := content(99, size)
	refused := func(what string, f framebuffer.Frame, says string, kinds ...error) {
		t.Helper()
		err := r.GetInto(dst[:f.Size], f)
		for _, kind := range kinds {
			if !errors.Is(err, kind) {
				t.Errorf("%s: %v, want %v", what, err, kind)
			}
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", what, err, says)
		}
		for _, b := range dst[:f.Size] {
			if b != 0 {
				t.Fatalf("%s: bytes in the buffer", what)
			}
		}
	}
	wrong := f
	wrong.Checksum ^= 1
	refused("a wrong checksum", wrong, "checksum", framebuffer.ErrTimeout)
	wrong = f
	wrong.Size--
	refused("a wrong size", wrong, "checksum", framebuffer.ErrTimeout)
	wrong = f
	wrong.Offset += 64
	refused("an offset nobody got", wrong, "offset", framebuffer.ErrTimeout)
	o.do(order{Allocate: ring - 64})
	refused("a frame that was overrun", f, "reused", framebuffer.ErrTimeout)
	for _, size := range []int{0, -1, 1 << 62} {
		wrong := f
		wrong.Size = size
		if got, err := r.Get(wrong); err == nil {
			t.Errorf("%d bytes: %d, %v", size, len(got), err)
		}
	}
	o.Kill()
	refused("a frame of a killed server", f, "nobody answers", framebuffer.ErrTimeout, framebuffer.ErrStaleKey)
	// Back again, with a new ring in which there is something at the same place.
	o = startOwner(t, url, ring)
	o.do(order{Put: size, Seed: 2})
	refused("a frame of the last ring", f, "new ring", framebuffer.ErrTimeout, framebuffer.ErrStaleKey)
	if _, err := r.Get(framebuffer.Frame{Key: "nonsense", Offset: 64, Size: 1}); !errors.Is(err, framebuffer.ErrBadKey) {
		t.Errorf("no key: %v", err)
	}
	if w := r.Ways(); w.Timeouts == 0 || w.Remote != 0 {
		t.Errorf("%+v", w)
	}
}

// Readers of another host's frames, while its ring goes round under them, get exactly those
// bytes or a timeout.
func TestTornReadsFromAnotherHost(t *testing.T) {
	const count = 200
	url := ownNATS(t)
	o := startOwner(t, url, 1<<20)
	r := reader(t, url, nil)
	var wg sync.WaitGroup
	type told struct {
		f    framebuffer.Frame
		seed uint64
	}
	frames := make(chan told, 4) // so far behind that some are gone
	for range 4 {
		wg.Go(func() {
			for m := range frames {
				got, err := r.Get(m.f)
				if err == nil && !bytes.Equal(got, content(m.seed, m.f.Size)) {
					t.Errorf("frame %d of %d bytes: other bytes", m.seed, m.f.Size)
				}
				if err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
					t.Error(err)
				}
			}
		})
	}
	for seed := range uint64(count) {
		frames <- told{o.do(order{Put: 1 + int(seed*7919)%(350<<10), Seed: seed}), seed}
	}
	close(frames)
	wg.Wait()
	w := r.Ways()
	t.Logf("%d frames, %d timeouts, %d resumed", w.Remote, w.Timeouts, w.Resumed)
	if w.Remote+w.Timeouts != count || w.Remote == 0 {
		t.Errorf("%+v", w)
	}
}

// With nothing but NATS a frame that fits one part is one request.
func TestReadByHand(t *testing.T) {
	url := ownNATS(t)
	server, _ := serve(t, service.Config{URL: url, Name: unique(t)})
	c, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f, err := c.Put([]byte("by hand"))
	if err != nil {
		t.Fatal(err)
	}
	nc := dial(t, service.Options{URL: url})
	subject := subjectOf(t, nc)
	for what, c := range map[string]struct{ request, data, code string }{
		"a frame":      {f.String(), "by hand", ""},
		"another ring": {strings.Replace(f.String(), f.Key, "fb3_other", 1), "", "TIMEOUT"},
		"no frame":     {"{}", "", "BAD_FRAME"},
		"no bytes":     {strings.Replace(f.String(), `"size":7`, `"size":0`, 1), "", "BAD_SIZE"},
		"too long":     {strings.Replace(f.String(), `"size":7`, `"size":100`, 1), "", "BAD_SIZE"},
	} {
		m, err := nc.Request(subject, []byte(c.request), limit)
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Data) != c.data || m.Header.Get(micro.ErrorCodeHeader) != c.code {
			t.Errorf("%s: %q, %v", what, m.Data, m.Header)
		}
	}
}

// subjectOf is where the frames of the only server are asked for, as NATS micro tells it.
func subjectOf(t testing.TB, nc *nats.Conn) string {
	t.Helper()
	m, err := nc.Request("$SRV.INFO.framebuffer", nil, limit)
	if err != nil {
		t.Fatal(err)
	}
	var info micro.Info
	if err := json.Unmarshal(m.Data, &info); err != nil {
		t.Fatal(err)
	}
	for _, e := range info.Endpoints {
		if strings.HasPrefix(e.Subject, "framebuffer.read.") {
			return e.Subject
		}
	}
	t.Fatalf("no endpoint to read among %+v", info.Endpoints)
	return ""
}

// An owner that sends nonsense makes errors, and no other bytes.
func TestHostileOwner(t *testing.T) {
	url := ownNATS(t)
	o := startOwner(t, url, 1<<20)
	f := o.do(order{Put: 1000, Seed: 1})
	r := reader(t, url, &service.ReaderOptions{Patience: 200 * time.Millisecond})
	if _, err := r.Get(f); err != nil {
		t.Fatal(err)
	}
	subject := r.Ways().Rings[0].Subject
	o.Kill()
	nc := dial(t, service.Options{URL: url})
	var answer func(*nats.Msg)
	if _, err := nc.Subscribe(subject, func(m *nats.Msg) { answer(m) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	part := func(m *nats.Msg, at string, data []byte) {
		_ = nc.PublishMsg(&nats.Msg{Subject: m.Reply, Reply: "nowhere", Header: nats.Header{"Framebuffer-At": {at}}, Data: data})
	}
	for what, a := range map[string]func(*nats.Msg){
		"too much":    func(m *nats.Msg) { part(m, "0", make([]byte, 1001)) },
		"other bytes": func(m *nats.Msg) { part(m, "0", make([]byte, 1000)) },
		"a gap":       func(m *nats.Msg) { part(m, "500", make([]byte, 500)) },
		"far away":    func(m *nats.Msg) { part(m, "9223372036854775807", make([]byte, 1000)) },
		"no position": func(m *nats.Msg) { part(m, "x", make([]byte, 1001)) },
		"nothing":     func(m *nats.Msg) { part(m, "0", nil) },
		"an error word": func(m *nats.Msg) {
			_ = nc.PublishMsg(&nats.Msg{Subject: m.Reply, Header: nats.Header{micro.ErrorCodeHeader: {"X"}}})
		},
		"twice, then other": func(m *nats.Msg) {
			part(m, "0", make([]byte, 500))
			part(m, "0", make([]byte, 500))
			part(m, "500", make([]byte, 500))
		},
	} {
		answer = a
		dst := content(7, 1000)
		if err := r.GetInto(dst, f); err == nil || !bytes.Equal(dst, make([]byte, 1000)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Who waits for another host's frame can give up, and closing ends it.
func TestGiveUpOnAnotherHost(t *testing.T) {
	url := ownNATS(t)
	o := startOwner(t, url, 1<<20)
	f := o.do(order{Put: 1000, Seed: 1})
	for what, end := range map[string]func(context.CancelFunc, *service.Reader){
		"by context": func(cancel context.CancelFunc, _ *service.Reader) { cancel() },
		"by closing": func(_ context.CancelFunc, r *service.Reader) { r.Close() },
	} {
		r := service.NewReader(dial(t, service.Options{URL: url}), nil)
		if _, err := r.Get(f); err != nil {
			t.Fatal(err)
		}
		asked := make(chan struct{}, 10)
		o.Signal(syscall.SIGSTOP)
		nc := dial(t, service.Options{URL: url})
		sub, err := nc.Subscribe(r.Ways().Rings[0].Subject, func(*nats.Msg) { asked <- struct{}{} })
		if err == nil {
			err = nc.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() {
			_, err := r.GetContext(ctx, f)
			done <- err
		}()
		<-asked
		end(cancel, r)
		if err := <-done; !errors.Is(err, context.Canceled) && !errors.Is(err, framebuffer.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
		cancel()
		o.Signal(syscall.SIGCONT)
		if err := errors.Join(sub.Unsubscribe(), r.Close()); err != nil {
			t.Error(fmt.Errorf("%s: %w", what, err))
		}
	}
}
