package service_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// threadsOf is how many threads a process has. Go keeps those that it ever needed at a time.
func threadsOf(t testing.TB, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^Threads:\s*(\d+)$`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no number of threads in %q", status)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A guest that asks for an idle topic as often as it can costs the server no thread each: it stays
// within what a container may have, and serves on.
func TestMirrorsOfAnIdleTopicTakeNoThreads(t *testing.T) {
	const asked, most = 4000, 100
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 8<<20)
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: 1})
	nc := natstest.Dial(t, service.Options{URL: url})
	all, err := remote.Hosts(natstest.Within(t), nc)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	before := threadsOf(t, o.PID())
	inbox := nats.NewInbox()
	answers := make(chan *nats.Msg, 16*asked)
	if _, err := nc.Subscribe(inbox+".*", func(m *nats.Msg) { answers <- m }); err != nil {
		t.Fatal(err)
	}
	for i := range asked {
		ask := &nats.Msg{Subject: "framebuffer." + all[0].ID + ".mirror", Reply: fmt.Sprint(inbox, ".", i), Data: []byte(`{"topic":"cam"}`)}
		if err := nc.PublishMsg(ask); err != nil {
			t.Fatal(err)
		}
	}
	streams, refused, told := map[string]bool{}, 0, map[string]bool{}
	late := natstest.Within(t)
	take := func() (m *nats.Msg) {
		select {
		case m = <-answers:
			return m
		case <-late.Done():
			t.Fatalf("of %d requests %d are answered, and %d refused", asked, len(streams), refused)
		}
		return nil
	}
	for len(streams)+refused < asked {
		switch m := take(); {
		case m.Header.Get(micro.ErrorCodeHeader) != "":
			refused++
		case m.Header.Get("Framebuffer-Beat") != "":
			streams[m.Subject] = true
		}
	}
	if len(streams) == 0 {
		t.Fatal("the server streams to none")
	}
	natstest.Eventually(t, "the server serves on", func() error {
		again, err := remote.Hosts(natstest.Within(t), nc)
		if len(again) != 1 {
			return errors.Join(err, fmt.Errorf("%d servers answer", len(again)))
		}
		return err
	})
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: 1}) // each stream is woken by this frame
	for len(told) < len(streams) {
		if m := take(); m.Header.Get("Framebuffer-Frame") != "" {
			told[m.Subject] = true
		}
	}
	if now := threadsOf(t, o.PID()); now > before+64 {
		t.Errorf("%d threads before and %d with %d streams, %d refused", before, now, len(streams), refused)
	}
}
