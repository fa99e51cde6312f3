package service_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// reader is one on a host without a server.
func reader(t testing.TB, url string, opts *remote.ReaderOptions) *remote.Reader {
	t.Helper()
	r := remote.NewReader(natstest.Dial(t, service.Options{URL: url}), opts)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// anyReader is what reads frames wherever they are.
type anyReader interface {
	Get(context.Context, framebuffer.Frame) ([]byte, error)
	GetInto(context.Context, []byte, framebuffer.Frame) error
	View(context.Context, framebuffer.Frame, func([]byte) error) error
}

// statsOf returns the figures of a reader, or of the one in a client.
func statsOf(r anyReader) remote.ReaderStats {
	if c, ok := r.(*service.Client); ok {
		return c.ReaderStats()
	}
	return r.(*remote.Reader).Stats()
}

// Frames of another host have their bytes, whatever their size: one byte, around the borders
// of parts and payloads, and as large as the ring; also where NATS takes small payloads only.
func TestReadFromAnotherHost(t *testing.T) {
	const ring = 3 << 20
	for _, payload := range []int32{8 << 10, 1 << 20} {
		t.Run(strconv.Itoa(int(payload)), func(t *testing.T) {
			url := natstest.RunNATS(t, &natsserver.Options{MaxPayload: payload})
			o := natstest.StartOwner(t, url, ring)
			server, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t)})
			readers := map[string]anyReader{"a client": natstest.Connect(t, service.Options{URL: url}), "a reader": reader(t, url, nil)}
			seed := uint64(0)
			for _, size := range []int{1, 4095, 4096, 4097, 256<<10 - 1, 256 << 10, 256<<10 + 1, 1 << 20, ring - 64} {
				seed++
				f := o.Do(natstest.Order{Put: size, Seed: seed})
				want := natstest.Content(seed, size)
				for who, r := range readers {
					got, err := r.Get(t.Context(), f)
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("Get of %d bytes by %s: %d bytes, %v", size, who, len(got), err)
					}
					clear(got)
					if err := r.GetInto(t.Context(), got, f); err != nil || !bytes.Equal(got, want) {
						t.Fatalf("GetInto of %d bytes by %s: %v", size, who, err)
					}
					err = r.View(t.Context(), f, func(b []byte) error {
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
				w := statsOf(r)
				if w.Remote != 27 || w.Local != 0 || len(w.Rings) != 1 || !w.Rings[0].Remote || w.Rings[0].Why == "" {
					t.Errorf("the figures of %s: %+v", who, w)
				}
			}
			// People who watch see it too, with the client and not among what was read of the ring.
			st := figures(t, server)
			c, bytes := st.Clients[len(st.Clients)-1], st.Total[monitor.RemoteReadBytes]
			if c.Why != monitor.NotOnHost || c.Counts[monitor.RemoteReads] != 27 || c.Counts[monitor.RemoteReadBytes] != bytes || bytes < 27 || st.Total[monitor.Reads] != 0 {
				t.Errorf("of %+v: %+v", st.Total, c)
			}
		})
	}
}

// figures are those of a server's segment.
func figures(t *testing.T, of *framebuffer.Server) *monitor.Snapshot {
	t.Helper()
	m, err := monitor.Attach(of.Key())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// All frames that a reader gets from other hosts come to one subscription.
func TestOneSubscription(t *testing.T) {
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 16<<20)
	nc := natstest.Dial(t, service.Options{URL: url})
	r := remote.NewReader(nc, nil)
	defer r.Close()
	before := nc.NumSubscriptions()
	for i, size := range []int{1000, 2 << 20, 2 << 20, 1000} {
		f := o.Do(natstest.Order{Put: size, Seed: uint64(i)})
		if got, err := r.Get(t.Context(), f); err != nil || !bytes.Equal(got, natstest.Content(uint64(i), size)) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		if n := nc.NumSubscriptions(); n != before+1 { // which is used again
			t.Errorf("%d subscriptions, %d before the first", n, before)
		}
	}
}

// Frames of this host go through shared memory, also those of another server on it.
func TestReadFromThisHost(t *testing.T) {
	url := natstest.OwnNATS(t)
	_, _ = natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t) + "a"})
	other, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t) + "b"})
	w := natstest.Attach(t, other.Key())
	f, err := w.Put([]byte("near"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []anyReader{natstest.Connect(t, service.Options{URL: url}), reader(t, url, nil)} {
		if got, err := r.Get(t.Context(), f); err != nil || string(got) != "near" {
			t.Errorf("%q, %v", got, err)
		}
		if w := statsOf(r); w.Local != 1 || w.LocalBytes != 4 || w.Remote != 0 {
			t.Errorf("%+v", w)
		}
	}
}

// What is not to be had is a timeout that says why, and the caller's buffer has none of it.
func TestTimeoutsOfAnotherHost(t *testing.T) {
	url := natstest.OwnNATS(t)
	const ring, size = 4 << 20, 1 << 20
	o := natstest.StartOwner(t, url, ring)
	r := reader(t, url, nil)
	f := o.Do(natstest.Order{Put: size, Seed: 1})
	dst := natstest.Content(99, size)
	refused := func(what string, f framebuffer.Frame, says string, kinds ...error) {
		t.Helper()
		err := r.GetInto(t.Context(), dst[:f.Size], f)
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
	o.Do(natstest.Order{Allocate: ring - 64})
	refused("a frame that was overwritten", f, "overwritten", framebuffer.ErrTimeout)
	for _, size := range []int{0, -1, 1 << 62} {
		wrong := f
		wrong.Size = size
		if got, err := r.Get(t.Context(), wrong); err == nil {
			t.Errorf("%d bytes: %d, %v", size, len(got), err)
		}
	}
	o.Kill()
	refused("a frame of a killed server", f, "no server answers", framebuffer.ErrTimeout, framebuffer.ErrStaleKey)
	// Back again, with a new ring in which there is something at the same place.
	o = natstest.StartOwner(t, url, ring)
	o.Do(natstest.Order{Put: size, Seed: 2})
	refused("a frame of the last ring", f, "new ring", framebuffer.ErrTimeout, framebuffer.ErrStaleKey)
	if _, err := r.Get(t.Context(), framebuffer.Frame{Key: "nonsense", Offset: 64, Size: 1}); !errors.Is(err, framebuffer.ErrBadKey) {
		t.Errorf("no key: %v", err)
	}
	if w := r.Stats(); w.Timeouts == 0 || w.Remote != 0 {
		t.Errorf("%+v", w)
	}
}

// Readers of another host's frames, while its ring goes round under them, get exactly those
// bytes or a timeout.
func TestTornReadsFromAnotherHost(t *testing.T) {
	const count = 200
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 1<<20)
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
				got, err := r.Get(t.Context(), m.f)
				if err == nil && !bytes.Equal(got, natstest.Content(m.seed, m.f.Size)) {
					t.Errorf("frame %d of %d bytes: other bytes", m.seed, m.f.Size)
				}
				if err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
					t.Error(err)
				}
			}
		})
	}
	for seed := range uint64(count) {
		frames <- told{o.Do(natstest.Order{Put: 1 + int(seed*7919)%(350<<10), Seed: seed}), seed}
	}
	close(frames)
	wg.Wait()
	w := r.Stats()
	t.Logf("%d frames, %d timeouts, %d resumed", w.Remote, w.Timeouts, w.Resumed)
	if w.Remote+w.Timeouts != count || w.Remote == 0 {
		t.Errorf("%+v", w)
	}
}

// With nothing but NATS a frame that fits one part is one request.
func TestReadByHand(t *testing.T) {
	url := natstest.OwnNATS(t)
	server, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t)})
	c, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f, err := c.Put([]byte("by hand"))
	if err != nil {
		t.Fatal(err)
	}
	nc := natstest.Dial(t, service.Options{URL: url})
	subject := subjectOf(server.Key())
	for what, c := range map[string]struct{ request, data, code string }{
		"a frame":      {f.String(), "by hand", ""},
		"another ring": {strings.Replace(f.String(), f.Key, "fb4_other", 1), "", "TIMEOUT"},
		"no frame":     {"{}", "", "BAD_FRAME"},
		"no bytes":     {strings.Replace(f.String(), `"size":7`, `"size":0`, 1), "", "BAD_SIZE"},
		"too long":     {strings.Replace(f.String(), `"size":7`, `"size":100`, 1), "", "TIMEOUT"},
	} {
		m, err := nc.Request(subject, []byte(c.request), natstest.Limit)
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Data) != c.data || m.Header.Get(micro.ErrorCodeHeader) != c.code {
			t.Errorf("%s: %q, %v", what, m.Data, m.Header)
		}
	}
}

// subjectOf is where the frames of a key's ring are asked for, as docs/wire.md has it.
func subjectOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "framebuffer.read." + hex.EncodeToString(sum[:])[:32]
}

// Of more rings than are attached to at a time each frame is read, by several at once, and those
// let go of have no trace of the reader left.
func TestReadFromManyRings(t *testing.T) {
	const rings, at, attached = 300, 4, 256
	frames, servers := make([]framebuffer.Frame, rings), make([]*framebuffer.Server, rings)
	for i := range rings {
		server, err := framebuffer.NewServer(64<<10, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		w, err := framebuffer.Attach(server.Key(), nil)
		if err != nil {
			t.Fatal(err)
		}
		servers[i] = server
		if frames[i], err = w.Put(natstest.Content(uint64(i), 1000)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r := reader(t, natstest.OwnNATS(t), nil)
	var all sync.WaitGroup
	for n := range at {
		all.Go(func() {
			for k := range 3 * rings {
				i := (k*(n+1) + n*rings/at) % rings // n+1 goes round at its own pace
				if got, err := r.Get(t.Context(), frames[i]); err != nil || !bytes.Equal(got, natstest.Content(uint64(i), 1000)) {
					t.Errorf("ring %d: %d bytes, %v", i, len(got), err)
					return
				}
			}
		})
	}
	all.Wait()
	if w := r.Stats(); w.Local != at*3*rings || w.Remote != 0 || len(w.Rings) != attached {
		t.Errorf("%d and %d frames, %d rings", w.Local, w.Remote, len(w.Rings))
	}
	readers := 0
	for _, s := range servers {
		readers += len(figures(t, s).Clients) - 1
	}
	if readers != attached {
		t.Errorf("%d clients besides the servers", readers)
	}
}
