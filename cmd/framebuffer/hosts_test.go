package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/remote"
)

// A server with a name of its own for its host is listed, with its topics.
func TestHosts(t *testing.T) {
	name, s, _ := serving(t, "--size", "1MiB", "--host", "cam1")
	if r := runCommand(t, "a frame", "pub", "door", "--key", s.Key); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	r := runCommand(t, "", "hosts", "--topics", "--name", name)
	for _, want := range []string{"HOST", "cam1", name, "1.0 MiB", "door  1 frame, ended"} {
		if r.status != exitOK || !strings.Contains(r.out, want) {
			t.Errorf("no %q in %+v", want, r)
		}
	}
	var h remote.Host
	if r := runCommand(t, "", "--json", "hosts", "--name", name); json.Unmarshal([]byte(r.out), &h) != nil || h.Host != "cam1" || len(h.Topics) != 1 {
		t.Errorf("%+v: %+v", r, h)
	}
	if r := runCommand(t, "", "hosts", "--name", name+"y"); r.status != exitNoServer {
		t.Errorf("%+v", r)
	}
}

// Columns stay below each other whatever stands between the lines.
func TestHostsText(t *testing.T) {
	topics := []remote.HostTopic{{Name: "a rather long name of a topic", Published: 7}, {Name: "b", Copy: true}}
	got := hostsText([]remote.Host{
		{Host: "one", Name: "n", ID: "ID", Capacity: 1 << 20, Topics: topics, More: 3},
		{Host: "another-one", Name: "n", ID: "ID", Capacity: 1 << 30},
		{Host: "gone", Err: "says nothing"},
	}, true)
	want := `HOST         NAME  ID  RING     WRITTEN  TOPICS  RTT
one          n     ID  1.0 MiB  0 B      5       0s
  a rather long name of a topic  7 frames
  b  0 frames, a mirror
  and 3 more
another-one  n     ID  1.0 GiB  0 B      0       0s
gone                   says nothing
`
	if got != want {
		t.Errorf("%s", got)
	}
}
