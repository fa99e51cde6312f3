package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// An owner that sends nonsense makes errors, and no other bytes.
func TestHostileOwner(t *testing.T) {
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 1<<20)
	f := o.Do(natstest.Order{Put: 1000, Seed: 1})
	r := reader(t, url, &remote.ReaderOptions{Patience: 200 * time.Millisecond})
	if _, err := r.Get(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	subject := r.Stats().Rings[0].Subject
	o.Kill()
	nc := natstest.Dial(t, service.Options{URL: url})
	var answer func(*nats.Msg)
	if _, err := nc.Subscribe(subject, func(m *nats.Msg) { answer(m) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	part := func(m *nats.Msg, at string, data []byte) {
		_ = nc.PublishMsg(&nats.Msg{Subject: m.Reply, Header: nats.Header{"Framebuffer-At": {at}, "Framebuffer-Heard": {"framebuffer.a.heard.nowhere"}}, Data: data})
	}
	for what, a := range map[string]func(*nats.Msg){
		"too much":    func(m *nats.Msg) { part(m, "0", make([]byte, 1001)) },
		"other bytes": func(m *nats.Msg) { part(m, "0", make([]byte, 1000)) },
		"a gap":       func(m *nats.Msg) { part(m, "500", make([]byte, 500)) },
		"far away":    func(m *nats.Msg) { part(m, "9223372036854775807", make([]byte, 1000)) },
		"no position": func(m *nats.Msg) { part(m, "x", make([]byte, 1001)) },
		"nothing":     func(m *nats.Msg) { part(m, "0", nil) },
		"that it is there, without end": func(m *nats.Msg) {
			go func() {
				beat := &nats.Msg{Subject: m.Reply, Header: nats.Header{"Framebuffer-At": {"0"}, "Framebuffer-Beat": {"1"}, "Framebuffer-Heard": {"framebuffer.a.heard.nowhere"}}}
				for nc.PublishMsg(beat) == nil {
					time.Sleep(time.Millisecond)
				}
			}()
		},
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
		dst := natstest.Content(7, 1000)
		if err := r.GetInto(t.Context(), dst, f); err == nil || !bytes.Equal(dst, make([]byte, 1000)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Who waits for another host's frame can give up, and closing ends it.
func TestGiveUpOnAnotherHost(t *testing.T) {
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 1<<20)
	f := o.Do(natstest.Order{Put: 1000, Seed: 1})
	for what, end := range map[string]func(context.CancelFunc, *remote.Reader){
		"by context": func(cancel context.CancelFunc, _ *remote.Reader) { cancel() },
		"by closing": func(_ context.CancelFunc, r *remote.Reader) { r.Close() },
	} {
		r := remote.NewReader(natstest.Dial(t, service.Options{URL: url}), nil)
		if _, err := r.Get(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		asked := make(chan struct{}, 10)
		o.Signal(syscall.SIGSTOP)
		o.WaitStopped()
		nc := natstest.Dial(t, service.Options{URL: url})
		sub, err := nc.Subscribe(r.Stats().Rings[0].Subject, func(*nats.Msg) { asked <- struct{}{} })
		if err == nil {
			err = nc.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() {
			_, err := r.Get(ctx, f)
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

// However much is answered to the question who is there, asking ends.
func TestHostileHosts(t *testing.T) {
	url := natstest.OwnNATS(t)
	nc, far := natstest.Dial(t, service.Options{URL: url}), natstest.Dial(t, service.Options{URL: url})
	sub, err := far.Subscribe("$SRV.PING.framebuffer", func(m *nats.Msg) {
		for far.Publish(m.Reply, []byte("nonsense")) == nil && nc.IsConnected() {
			_ = far.Flush() // fails when it is closed
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := far.Flush(); err != nil {
		t.Fatal(err)
	}
	if all, err := remote.Hosts(natstest.Within(t), nc); !errors.Is(err, service.ErrNoServer) {
		t.Errorf("%+v, %v", all, err)
	}
	nc.Close()
	if err := sub.Unsubscribe(); err != nil {
		t.Error(err)
	}
}

// A mirror of any host's topic does not copy a copy: nobody but the original is any.
func TestMirrorOfAnyIsOfNoCopy(t *testing.T) {
	const most = 1000
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 1<<20)
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: 3})
	_, _ = natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t), Host: "a", Mirrors: []remote.MirrorOptions{{Topic: "cam", From: "owner"}}})
	nc := natstest.Dial(t, service.Options{URL: url})
	natstest.Eventually(t, "the copy runs", func() error {
		all, err := remote.Hosts(natstest.Within(t), nc)
		for _, h := range all {
			if len(h.Mirrors) == 1 && h.Mirrors[0].State == "running" && len(h.Topics) == 1 && h.Topics[0].Mirror {
				return nil
			}
		}
		return fmt.Errorf("%+v, %w", all, errors.Join(err, errors.New("not yet")))
	})
	o.Kill()
	c := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam"})
	natstest.Eventually(t, "nobody has the original", func() error {
		if s := c.Stats(); !strings.Contains(s.Why, remote.ErrNoTopic.Error()) {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	o = natstest.StartOwner(t, url, 1<<20)
	o.Do(natstest.Order{Topic: "cam"})
	c.runs(t, "")
	if s := c.Stats(); s.Host != "owner" {
		t.Errorf("%+v", s)
	}
}
