package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// A foreign program needs nothing but NATS: the three endpoints by hand, and their errors.
func TestEndpointsByHand(t *testing.T) {
	url := natstest.OwnNATS(t)
	server, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t), RemoteAllocate: 1 << 60})
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ask := func(subject, data string) (string, string, string) {
		t.Helper()
		m, err := nc.Request(subject, []byte(data), natstest.Limit)
		if err != nil {
			t.Fatal(err)
		}
		return string(m.Data), m.Header.Get(micro.ErrorCodeHeader), m.Header.Get(micro.ErrorHeader)
	}
	if key, code, _ := ask("framebuffer.get_key", ""); key != server.Key() || code != "" {
		t.Errorf("key %q, code %q", key, code)
	}
	m, err := nc.Request("framebuffer.get_key", nil, natstest.Limit)
	if err != nil {
		t.Fatal(err)
	}
	if key, _, _ := ask("framebuffer."+m.Header.Get("Framebuffer-Id")+".get_key", ""); key != server.Key() {
		t.Errorf("the instance by its id: %q", key)
	}
	first, code, _ := ask("framebuffer.allocate", "1000")
	offset, err := fberr.ParseOffset(first)
	if err != nil || offset%64 != 0 || code != "" {
		t.Errorf("offset %q, code %q", first, code)
	}
	text, _, _ := ask("framebuffer.stat", "")
	var st monitor.Snapshot
	if err := json.Unmarshal([]byte(text), &st); err != nil || st.Capacity != 1<<20 || st.Head != offset+1024 || st.Head-st.Start != 1088 || st.Total[monitor.Allocations] != 1 {
		t.Errorf("stat %s: %v", text, err)
	}
	for request, want := range map[string]string{
		"": "BAD_SIZE", "0": "BAD_SIZE", "-1": "BAD_SIZE", "x": "BAD_SIZE", "1.5": "BAD_SIZE", "99999999999999999999": "BAD_SIZE",
		"1048576": "TOO_LARGE", "9223372036854775807": "TOO_LARGE",
	} {
		if data, code, text := ask("framebuffer.allocate", request); code != want || text == "" || data != "" {
			t.Errorf("allocate %q: %q, code %q, text %q", request, data, code, text)
		}
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"framebuffer.get_key", "framebuffer.allocate", "framebuffer.stat"} {
		if _, code, text := ask(subject, "1"); code != "CLOSED" {
			t.Errorf("%s of a closed server: code %q, text %q", subject, code, text)
		}
	}
}

// The service shows itself the way NATS micro services do.
func TestMicroInfo(t *testing.T) {
	url := natstest.OwnNATS(t)
	natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t)})
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	m, err := nc.Request("$SRV.INFO.framebuffer", nil, natstest.Limit)
	if err != nil {
		t.Fatal(err)
	}
	var info micro.Info
	if err := json.Unmarshal(m.Data, &info); err != nil {
		t.Fatal(err)
	}
	subjects := map[string]bool{}
	for _, e := range info.Endpoints {
		subjects[e.Subject] = true
	}
	for _, name := range []string{"get_key", "allocate", "stat"} {
		for _, s := range []string{"framebuffer." + name, "framebuffer." + info.ID + "." + name} {
			if !subjects[s] {
				t.Errorf("no endpoint on %s among %v", s, subjects)
			}
		}
	}
}

func TestClient(t *testing.T) {
	for name, cfg := range map[string]service.ServeOptions{
		"Embedded": {Name: natstest.Unique(t)},
		"OwnNATS":  {Name: natstest.Unique(t) + "x", URL: natstest.OwnNATS(t), RemoteAllocate: 1 << 60},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := natstest.Serve(t, cfg)
			for how, opts := range map[string]service.Options{
				"by name": {Name: cfg.Name}, "by URL": {URL: cfg.URL},
			} {
				if how == "by URL" && cfg.URL == "" {
					continue
				}
				c := natstest.Connect(t, opts)
				if c.Key() != server.Key() {
					t.Errorf("%s: key %q", how, c.Key())
				}
				ctx := natstest.Within(t)
				if key, err := c.GetKey(ctx); err != nil || key != server.Key() {
					t.Errorf("%s: get_key %q, %v", how, key, err)
				}
				offset, err := c.RemoteAllocate(ctx, 100)
				if err != nil {
					t.Fatal(err)
				}
				sum, err := c.Write(offset, []byte("by the seed's calls"))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := c.Read(offset, 19, sum); err != nil || string(got) != "by the seed's calls" {
					t.Errorf("%s: %q, %v", how, got, err)
				}
				f, err := c.Put(context.Background(), []byte("x"))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := c.Get(t.Context(), f); err != nil || string(got) != "x" {
					t.Errorf("%s: %q, %v", how, got, err)
				}
				if st, err := c.RemoteStats(ctx); err != nil || st.Head != c.Stats().Head {
					t.Errorf("%s: stats %+v, %v", how, st, err)
				}
				_, err = c.RemoteAllocate(ctx, 0)
				if !errors.Is(err, framebuffer.ErrBadSize) || !strings.Contains(err.Error(), "0 bytes") {
					t.Errorf("%s: remote allocate 0: %v", how, err)
				}
				if _, err = c.RemoteAllocate(ctx, 1<<30); !errors.Is(err, framebuffer.ErrTooLarge) {
					t.Errorf("%s: remote allocate 1 GiB: %v", how, err)
				}
			}
		})
	}
}

// The user's NATS may be named in all the ways that NATS itself allows, and a password in
// the URL is not shown to anybody.
func TestWaysToNameANATS(t *testing.T) {
	open := natstest.OwnNATS(t)
	guarded := natstest.RunNATS(t, &natsserver.Options{Username: "u", Password: "s3cret"})
	for what, url := range map[string]string{
		"without scheme": strings.TrimPrefix(open, "nats://"),
		"several":        "nats://127.0.0.1:1," + open,
		"with password":  strings.Replace(guarded, "nats://", "nats://u:s3cret@", 1),
	} {
		t.Run(what, func(t *testing.T) {
			name := natstest.Unique(t)
			server, svc := natstest.Serve(t, service.ServeOptions{Name: name, URL: url})
			if strings.Contains(svc.URL(), "s3cret") || !strings.HasPrefix(svc.URL(), "nats://127.0.0.1:") {
				t.Errorf("shown as %s", svc.URL())
			}
			for _, opts := range []service.Options{{Name: name}, {URL: url}} {
				c := natstest.Connect(t, opts)
				if key, err := c.GetKey(natstest.Within(t)); err != nil || key != server.Key() {
					t.Errorf("%+v: %q, %v", opts, key, err)
				}
			}
		})
	}
	_, err := service.Connect(natstest.Within(t), &service.Options{URL: strings.Replace(guarded, "nats://", "nats://u:wr0ng@", 1)})
	if err == nil || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("a wrong password: %v", err)
	}
}

// Several hosts may serve one NATS. A client stays with the server it is attached to,
// also for what it asks over NATS: an offset in somebody else's ring is of no use.
func TestSeveralServersOnOneNATS(t *testing.T) {
	url := natstest.OwnNATS(t)
	first, svc := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t) + "a", RemoteAllocate: 1 << 20})
	c := natstest.Connect(t, service.Options{URL: url})
	second, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t) + "b"})
	for range 30 {
		head := first.Stats().Head
		if _, err := c.RemoteAllocate(natstest.Within(t), 100); err != nil {
			t.Fatal(err)
		}
		if c.Key() != first.Key() || first.Stats().Head == head {
			t.Fatal("another server allocated")
		}
	}
	if err := errors.Join(svc.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	if f, err := c.Put(context.Background(), []byte("x")); err != nil || f.Key != second.Key() {
		t.Errorf("after the first ended: %v, %v", f, err)
	}
}

func TestEmbeddedNATSAsksForCredentials(t *testing.T) {
	_, svc := natstest.Serve(t, service.ServeOptions{Name: natstest.Unique(t)})
	if !strings.HasPrefix(svc.URL(), "nats://127.0.0.1:") {
		t.Errorf("embedded NATS is at %s", svc.URL())
	}
	for _, opts := range [][]nats.Option{nil, {nats.UserInfo("framebuffer", "")}, {nats.UserInfo("framebuffer", "guess")}, {nats.Token("x")}} {
		if nc, err := nats.Connect(svc.URL(), opts...); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("got in: %v", err)
			if nc != nil {
				nc.Close()
			}
		}
	}
}

func TestServeRefuses(t *testing.T) {
	server, err := framebuffer.NewServer(1<<16, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if svc, err := service.Serve(context.Background(), nil, nil); err == nil {
		svc.Close()
		t.Error("served without a server")
	}
	for name, cfg := range map[string]service.ServeOptions{
		"credentials without URL": {Credentials: "x"},
		"a name with a space":     {Name: "a b"},
		"a name too long":         {Name: strings.Repeat("x", 65)},
		"NATS that is not there":  {Name: natstest.Unique(t), URL: "nats://127.0.0.1:1"},
		"credentials not there":   {Name: natstest.Unique(t) + "c", URL: natstest.OwnNATS(t), Credentials: filepath.Join(t.TempDir(), "missing")},
	} {
		if svc, err := service.Serve(context.Background(), server, &cfg); err == nil {
			svc.Close()
			t.Errorf("%s: served", name)
		}
	}
}
