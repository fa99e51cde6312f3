package service_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// guardedJetStream is a NATS with JetStream, a user that may do everything and a guest that may ask
// servers alone. It returns the URL of each.
func guardedJetStream(t *testing.T) (all, guest string) {
	t.Helper()
	url := natstest.RunNATS(t, &natsserver.Options{
		JetStream: true, StoreDir: t.TempDir(),
		Users: []*natsserver.User{
			{Username: "all", Password: "a"},
			{Username: "guest", Password: "g", Permissions: &natsserver.Permissions{
				Publish:   &natsserver.SubjectPermission{Allow: []string{"framebuffer.>", "$SRV.>"}},
				Subscribe: &natsserver.SubjectPermission{Allow: []string{"_INBOX.>"}},
			}},
		},
	})
	at := func(login string) string { return strings.Replace(url, "nats://", "nats://"+login+"@", 1) }
	return at("all:a"), at("guest:g")
}

// asked are the subjects on which a server is asked for something, and a request for each.
func asked(id, read string, frame framebuffer.Frame) map[string]string {
	all := map[string]string{
		"framebuffer.at." + id: "", "framebuffer.at.victim": "cam", "framebuffer.origin": "cam",
		read: frame.String(), read + " nonsense": "nonsense", read + " from": `{"key":"x"}`,
		"framebuffer." + id + ".mirror": `{"topic":"cam","oldest":true}`, "framebuffer." + id + ".mirror nonsense": "nonsense", "framebuffer." + id + ".mirror none": `{"topic":"none"}`,
	}
	for _, name := range []string{"get_key", "allocate", "stat", "about"} {
		all["framebuffer."+name], all["framebuffer."+id+"."+name] = "64", "64"
	}
	all["framebuffer.allocate nonsense"] = "nonsense"
	for _, verb := range []string{"PING", "INFO", "STATS"} {
		all["$SRV."+verb], all["$SRV."+verb+".framebuffer"], all["$SRV."+verb+".framebuffer."+id] = "", "", ""
	}
	return all
}

// A server does nothing for an asker on a subject that is no inbox: it deletes no recording,
// which the asker may not, asks no server, and sends nothing to other subjects, whatever it is
// asked for.
func TestServerIsNoDeputy(t *testing.T) {
	all, guest := guardedJetStream(t)
	server, _ := natstest.Serve(t, service.ServeOptions{URL: all, Name: natstest.Unique(t), Host: "victim", RemoteAllocate: 1 << 20})
	w := natstest.Attach(t, server.Key())
	frame, err := w.Put(make([]byte, 100_000))
	if err != nil {
		t.Fatal(err)
	}
	if err := (natstest.Order{Topic: "cam", Put: 1000, Count: 3}).Publish(w); err != nil {
		t.Fatal(err)
	}
	admin, mallory := natstest.Dial(t, service.Options{URL: all}), natstest.Dial(t, service.Options{URL: guest})
	js, err := jetstream.New(admin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(natstest.Within(t), jetstream.StreamConfig{Name: "PRECIOUS", Subjects: []string{"precious.>"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(natstest.Within(t), "precious.1", []byte("x")); err != nil {
		t.Fatal(err)
	}
	id := hostsNamed(t, admin, "victim")[0].ID
	seen, err := admin.SubscribeSync(">") // from here on
	if err == nil {
		err = admin.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	read := "framebuffer.read." + tagOf(server.Key())
	allocations := server.Stats().Total.Allocations
	requests := asked(id, read, frame)
	for _, reply := range []string{
		"$JS.API.STREAM.DELETE.PRECIOUS", "$JS.API.STREAM.PURGE.PRECIOUS", "precious.2", read, "framebuffer.allocate", "framebuffer." + id + ".mirror",
		"framebuffer." + id + ".heard.x", "framebuffer.started", "framebuffer.stopped", "$SRV.PING", "elsewhere", "_INBOX", "_R_.nowhere", "",
	} {
		for to, data := range requests {
			subject, _, _ := strings.Cut(to, " ")
			m := &nats.Msg{Subject: subject, Reply: reply, Header: nats.Header{"Mine": {"1"}}, Data: []byte(data)}
			if err := mallory.PublishMsg(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The server takes one request of a subject after the other: once it has answered these, it is done with those.
	for to, data := range requests {
		subject, _, _ := strings.Cut(to, " ")
		m := &nats.Msg{Subject: subject, Header: nats.Header{"Mine": {"1"}}, Data: []byte(data)}
		if _, err := mallory.RequestMsgWithContext(natstest.Within(t), m); err != nil {
			t.Fatalf("%s: %v", to, err)
		}
	}
	if err := admin.Flush(); err != nil {
		t.Fatal(err)
	}
	for n, _, _ := seen.Pending(); n > 0; n-- {
		m, err := seen.NextMsg(natstest.Limit)
		if err != nil {
			t.Fatal(err)
		}
		if m.Header.Get("Mine") == "" && !strings.HasPrefix(m.Subject, "_INBOX.") {
			t.Errorf("the server sent %.20q to %s, %v", m.Data, m.Subject, m.Header)
		}
	}
	if stream, err := js.Stream(natstest.Within(t), "PRECIOUS"); err != nil || stream.CachedInfo().State.Msgs != 1 {
		t.Errorf("the stream: %+v, %v", stream, err)
	}
	if n := server.Stats().Total.Allocations - allocations; n != 2 { // the requests with an inbox
		t.Errorf("%d allocations", n)
	}
}

// Askers with inboxes of a prefix that the server was given are answered, frames and topics
// included; with another they are not.
func TestInboxPrefixes(t *testing.T) {
	url := natstest.OwnNATS(t)
	const size = 3 << 20
	server, err := framebuffer.NewServer(8<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	svc, err := service.Serve(context.Background(), server, &service.ServeOptions{URL: url, Name: natstest.Unique(t), Host: "here", InboxPrefix: "_INBOX_own", AskerInboxes: []string{"_INBOX_alice"}})
	if err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	for _, prefix := range []string{"", "_INBOX.bob", "_INBOX_alice", "_INBOX_own"} {
		c := natstest.Connect(t, service.Options{URL: url, InboxPrefix: prefix})
		if got := c.NATS().NewInbox(); !strings.HasPrefix(got, prefix+".") && prefix != "" {
			t.Errorf("an inbox %s, of the prefix %s", got, prefix)
		}
		if h, err := c.About(natstest.Within(t)); err != nil || h.Host != "here" {
			t.Errorf("%q: %+v, %v", prefix, h, err)
		}
	}
	o := natstest.StartOwner(t, url, 8<<20, "_INBOX_alice")
	f := o.Do(natstest.Order{Put: size, Seed: 1})
	r := remote.NewReader(natstest.Dial(t, service.Options{URL: url, InboxPrefix: "_INBOX_alice"}), nil)
	defer r.Close()
	if data, err := r.Get(t.Context(), f); err != nil || string(data) != string(natstest.Content(1, size)) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	nc := natstest.Dial(t, service.Options{URL: url, InboxPrefix: "_INBOX_mallory"})
	ctx, cancel := context.WithCancel(natstest.Within(t))
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		m, err := nc.RequestWithContext(ctx, "framebuffer.get_key", nil)
		if err == nil {
			err = fmt.Errorf("answered %q", m.Data)
		}
		answered <- err
	}()
	if err := nc.FlushWithContext(natstest.Within(t)); err != nil {
		t.Fatal(err)
	}
	fence := natstest.Connect(t, service.Options{URL: url})
	if _, err := fence.GetKey(natstest.Within(t)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, prefix := range []string{"framebuffer", "a.*", "_R_"} {
		if _, err := service.Serve(context.Background(), server, &service.ServeOptions{Name: natstest.Unique(t), AskerInboxes: []string{prefix}}); err == nil || !strings.Contains(err.Error(), "prefix") {
			t.Errorf("%s: %v", prefix, err)
		}
		if _, err := service.Connect(natstest.Within(t), &service.Options{URL: url, InboxPrefix: prefix}); err == nil || !strings.Contains(err.Error(), "prefix") {
			t.Errorf("%s: %v", prefix, err)
		}
		if _, err := service.Dial(natstest.Within(t), &service.Options{URL: url, InboxPrefix: prefix}); err == nil || !strings.Contains(err.Error(), "prefix") {
			t.Errorf("%s: %v", prefix, err)
		}
	}
}

// tagOf is what names a key's ring in subjects.
func tagOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}
