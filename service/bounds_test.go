package service_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// An asker that wants thousands of streams of an idle topic has a part of what there may be: it is
// refused the others with the code for busy, and another asker has the topic all the same. The same
// for frames that it does not take.
func TestAskersAreBounded(t *testing.T) {
	const many, most = 4090, 1000
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 8<<20)
	o.Do(natstest.Order{Topic: "cam"})
	f := o.Do(natstest.Order{Put: 4 << 20, Seed: 1})
	read := "framebuffer.read." + tagOf(f.Key)
	id := hostsNamed(t, natstest.Dial(t, service.Options{URL: url}), "owner")[0].ID
	mallory := natstest.Dial(t, service.Options{URL: url, InboxPrefix: "_INBOX.mallory"})
	for what, c := range map[string]struct {
		subject, data string
		each          int
	}{
		"topics": {"framebuffer." + id + ".mirror", `{"topic":"cam"}`, 256},
		"frames": {read, f.String(), 272},
	} {
		t.Run(what, func(t *testing.T) {
			got, err := mallory.SubscribeSync("_INBOX.mallory." + what + ".*")
			if err == nil {
				err = got.SetPendingLimits(-1, -1)
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range many {
				m := &nats.Msg{Subject: c.subject, Reply: fmt.Sprintf("_INBOX.mallory.%s.%d", what, i), Data: []byte(c.data)}
				if err := mallory.PublishMsg(m); err != nil {
					t.Fatal(err)
				}
			}
			busy, streams := 0, map[string]bool{}
			for busy+len(streams) < many {
				m, err := got.NextMsg(natstest.Limit)
				if err != nil {
					t.Fatalf("%d refused, %d streams: %v", busy, len(streams), err)
				}
				switch word := m.Header.Get(micro.ErrorCodeHeader); word {
				case "BUSY":
					busy++
				case "":
					streams[m.Subject] = true
				default:
					t.Fatalf("%s: %s", word, m.Header.Get(micro.ErrorHeader))
				}
			}
			if len(streams) == 0 || len(streams) > 3*c.each { // some may have ended meanwhile
				t.Errorf("%d streams for one asker", len(streams))
			}
			if err := got.Unsubscribe(); err != nil {
				t.Error(err)
			}
		})
	}
	c := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: "owner"})
	c.runs(t, "")
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: 10})
	for range 10 {
		c.take(t, 0)
	}
	last := o.Do(natstest.Order{Put: 1000, Seed: 3})
	if data, err := reader(t, url, nil).Get(t.Context(), last); err != nil || len(data) != last.Size || framebuffer.ChecksumOf(data) != last.Checksum {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}
