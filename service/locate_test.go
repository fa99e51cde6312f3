package service_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Servers are found by the name of their host, their own and their ID, and nobody else is.
func TestHostsByName(t *testing.T) {
	url := natstest.OwnNATS(t)
	nc := natstest.Dial(t, service.Options{URL: url})
	first, second := natstest.Unique(t), natstest.Unique(t)+".2"
	for name, host := range map[string]string{first: "rack.7", second: "rack.7", natstest.Unique(t) + ".3": "rack"} {
		_, _ = natstest.Serve(t, service.ServeOptions{URL: url, Name: name, Host: host})
	}
	names := func(all []remote.Host, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range all {
			got = append(got, h.Host+"/"+h.Name)
		}
		return strings.Join(got, " ")
	}
	both := "rack.7/" + first + " rack.7/" + second
	all, err := remote.Hosts(natstest.Within(t), nc, "rack.7")
	if got := names(all, err); got != both {
		t.Errorf("rack.7: %s", got)
	}
	if got := names(remote.Hosts(natstest.Within(t), nc, second, "rack.7", first)); got != both {
		t.Errorf("by three names: %s", got)
	}
	if got := names(remote.Hosts(natstest.Within(t), nc, all[0].ID)); got != "rack.7/"+first {
		t.Errorf("by ID: %s", got)
	}
	if got, err := remote.Hosts(natstest.Within(t), nc, "rack.7", "rack.8"); !errors.Is(err, service.ErrNoServer) || !strings.Contains(err.Error(), "rack.8") {
		t.Errorf("a name that nobody has: %+v, %v", got, err)
	}
	if got, err := remote.Hosts(natstest.Within(t), nc, "*"); !errors.Is(err, topic.ErrBadName) {
		t.Errorf("no name: %+v, %v", got, err)
	}
}

// crowd says that it is so many servers.
func crowd(t *testing.T, url string, n int) {
	t.Helper()
	chorus(t, url, "$SRV.PING.framebuffer", n, func(i int) []byte {
		text, err := json.Marshal(micro.Ping{ServiceIdentity: micro.ServiceIdentity{Name: "framebuffer", ID: fmt.Sprintf("crowd%d", i), Version: service.Version}})
		if err != nil {
			t.Error(err)
		}
		return text
	})
}

// chorus answers each question on a subject so many times.
func chorus(t *testing.T, url, subject string, n int, answer func(i int) []byte) {
	t.Helper()
	nc := natstest.Dial(t, service.Options{URL: url})
	_, err := nc.Subscribe(subject, func(m *nats.Msg) {
		for i := range n {
			if err := m.Respond(answer(i)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Among more servers than are listened to, those that are looked for are found, and a list says
// that it is not complete.
func TestFoundInACrowd(t *testing.T) {
	const most = 1000
	url := natstest.OwnNATS(t)
	crowd(t, url, 1500)
	o := natstest.StartOwner(t, url, 1<<20)
	o.Do(natstest.Order{Topic: "cam"})
	nc := natstest.Dial(t, service.Options{URL: url})
	if all, err := remote.Hosts(natstest.Within(t), nc); !errors.Is(err, remote.ErrTooMany) || len(all) != 1000 {
		t.Errorf("%d servers, %v", len(all), err)
	}
	all, err := remote.Hosts(natstest.Within(t), nc, "owner")
	if err != nil || len(all) != 1 || len(all[0].Topics) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	name := natstest.Unique(t)
	server, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: name})
	if c := natstest.Connect(t, service.Options{URL: url, Name: name}); c.Key() != server.Key() {
		t.Error("attached to another server")
	}
	// Nor does one without a name have to hear all of them, if its server is of the same host.
	unnamed, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t) + "u"})
	if c := natstest.Connect(t, service.Options{URL: url}); c.Key() != server.Key() && c.Key() != unnamed.Key() {
		t.Error("attached to another server")
	}
	// Of as many that have the topic one will do.
	text, err := json.Marshal(all[0])
	if err != nil {
		t.Fatal(err)
	}
	chorus(t, url, "framebuffer.origin", 1500, func(int) []byte { return text })
	for i, from := range []string{"owner", remote.AnyHost} {
		c := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: from})
		c.runs(t, "")
		o.Do(natstest.Order{Topic: "cam", Put: most, Count: 10, Seed: uint64(10 * i)})
		for range 10 {
			c.take(t, 0)
		}
	}
}

// On a host with several servers a topic is that of the one that has it.
func TestMirrorOfASecondServer(t *testing.T) {
	const most = 1000
	url := natstest.OwnNATS(t)
	for range 3 {
		_, _ = natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t), Host: "owner"})
	}
	c := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: "owner"})
	c.counts(t, func(s remote.MirrorStats) bool { return strings.Contains(s.Why, remote.ErrNoTopic.Error()) })
	o := natstest.StartOwner(t, url, 1<<20)
	o.Do(natstest.Order{Topic: "cam"})
	c.runs(t, "")
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: 10})
	for range 10 {
		c.take(t, 0)
	}
}
