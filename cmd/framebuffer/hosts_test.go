package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/service"
)

// A server with a name of its own for its host is listed, with its topics.
func TestHosts(t *testing.T) {
	name, s, _ := serving(t, "--size", "1MiB", "--host", "cam1")
	if r := runCommand(t, "a frame", "pub", "door", "--key", s.Key); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	r := runCommand(t, "", "hosts", "--topics", "--name", name)
	for _, want := range []string{"HOST", "cam1", name, "1.0 MiB", "door (ended)", "1 frames"} {
		if r.status != exitOK || !strings.Contains(r.out, want) {
			t.Errorf("no %q in %+v", want, r)
		}
	}
	var h service.Host
	if r := runCommand(t, "", "--json", "hosts", "--name", name); json.Unmarshal([]byte(r.out), &h) != nil || h.Host != "cam1" || len(h.Topics) != 1 {
		t.Errorf("%+v: %+v", r, h)
	}
	if r := runCommand(t, "", "hosts", "--name", "nobody"); r.status != exitNoServer {
		t.Errorf("%+v", r)
	}
}
