package service_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// here is an address of this host, whose port nobody listens on right now.
func here(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", natstest.FreePort(t))
}

// keys runs the program that makes what the files name, and returns where.
func keys(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := testproc.Command("go", "run", "../examples/hosts/keys", "-o", dir, "hub").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// The files of examples/hosts do what they say: hosts of a cluster, of two clusters joined by
// gateways, and of a hub with TLS and a leaf node, by password and by credentials, find each other and read each
// other's frames.
func TestExampleFiles(t *testing.T) {
	dir := keys(t)
	made := func(replace ...string) []string { // what they name is there, and not here
		for _, name := range []string{"ca.pem", "hub.pem", "hub-key.pem", "operator.jwt", "frames.creds"} {
			replace = append(replace, `"`+name+`"`, `"`+filepath.Join(dir, name)+`"`)
		}
		return replace
	}
	cam, gpu, hub, leafs := here(t), here(t), here(t), here(t)
	east, west, eastGate, westGate := here(t), here(t), here(t), here(t)
	atHub, atLeafs := here(t), here(t)
	ca, creds := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "frames.creds")
	for what, hosts := range map[string][2]service.ServeOptions{
		"a cluster": {
			{Host: "cam", NATSConfig: natstest.ExampleFile(t, dir, "cam.conf", "0.0.0.0:6222", cam, "gpu:6222", gpu)},
			{Host: "gpu", NATSConfig: natstest.ExampleFile(t, dir, "gpu.conf", "0.0.0.0:6222", gpu, "cam:6222", cam)},
		},
		"two clusters": {
			{Host: "east-1", NATSConfig: natstest.ExampleFile(t, dir, "east.conf", "0.0.0.0:6222", east, "east-1:6222", east, "0.0.0.0:7222", eastGate, "west-1:7222", westGate)},
			{Host: "west-1", NATSConfig: natstest.ExampleFile(t, dir, "west.conf", "0.0.0.0:6222", west, "west-1:6222", west, "0.0.0.0:7222", westGate, "east-1:7222", eastGate)},
		},
		"a hub": {
			{Host: "hub", TLS: service.TLS{CA: ca}, NATSConfig: natstest.ExampleFile(t, dir, "hub.conf", made("0.0.0.0:4222", hub, "0.0.0.0:7422", leafs)...)},
			{Host: "edge", NATSConfig: natstest.ExampleFile(t, dir, "leaf.conf", made("hub:7422", leafs)...)},
		},
		"a hub with JWTs": {
			{Host: "hub", TLS: service.TLS{CA: ca}, Credentials: creds, NATSConfig: natstest.ExampleFile(t, dir, "operator.conf", made("0.0.0.0:4222", atHub, "0.0.0.0:7422", atLeafs)...)},
			{Host: "edge", NATSConfig: natstest.ExampleFile(t, dir, "operator-leaf.conf", made("hub:7422", atLeafs)...)},
		},
	} {
		t.Run(what, func(t *testing.T) {
			var want []string
			for i := range hosts {
				hosts[i].Name = natstest.Unique(t) + "." + hosts[i].Host
				natstest.Serve(t, hosts[i])
				want = append(want, hosts[i].Host)
			}
			slices.Sort(want)
			for i := range hosts {
				hostsNamed(t, natstest.Dial(t, service.Options{Name: hosts[i].Name}), strings.Join(want, " "))
			}
			testFramesCome(t, hosts[0], hosts[1])
			testFramesCome(t, hosts[1], hosts[0])
		})
	}
	for what, opts := range map[string]service.Options{
		"without credentials":      {URL: "tls://" + atHub, TLS: service.TLS{CA: ca}},
		"without a password":       {URL: "tls://" + hub, TLS: service.TLS{CA: ca}},
		"with a strange authority": {URL: "tls://" + hub},
	} {
		if nc, err := service.Dial(natstest.Within(t), &opts); err == nil {
			nc.Close()
			t.Errorf("%s: got in", what)
		}
	}
}

// testFramesCome has a topic of one server copied into the ring of another, by what its credentials permit.
func testFramesCome(t *testing.T, from, to service.ServeOptions) {
	t.Helper()
	const frames, most = 5, 100_000
	name := "of/" + from.Host
	c, into := natstest.Connect(t, service.Options{Name: from.Name}), natstest.Connect(t, service.Options{Name: to.Name})
	ring, owner := natstest.Attach(t, into.Key()), natstest.Attach(t, c.Key())
	m, err := remote.NewMirror(into.NATS(), ring, &remote.MirrorOptions{Topic: name, From: from.Host})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(natstest.Within(t))
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	natstest.Eventually(t, "the mirror looks for its topic", func() error { // and then has it from its beginning
		if s := m.Stats(); !strings.Contains(s.Why, remote.ErrNoTopic.Error()) {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	if err := (natstest.Order{Topic: name, Put: most, Count: frames}).Publish(owner); err != nil {
		t.Fatal(err)
	}
	sub, err := topic.Subscribe(ring, name, &topic.SubscribeOptions{From: topic.FromOldest})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	for i := range uint64(frames) {
		f, err := sub.Next(natstest.Within(t))
		if err != nil {
			t.Fatalf("frame %d: %v; the mirror: %+v", i, err, m.Stats())
		}
		if data, err := ring.Get(f.Frame); err != nil || !bytes.Equal(data, natstest.Content(i, natstest.SizeOf(i, most))) {
			t.Errorf("frame %d: %d bytes, %v", i, len(data), err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
