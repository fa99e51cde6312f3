package service

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// What stat answers has the members of a snapshot, and those that it had before under their old names:
// with the same values, start and head as numbers, and times in nanoseconds.
func TestStatHasDeprecatedMembers(t *testing.T) {
	s, err := framebuffer.NewServer(1<<16, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := framebuffer.Attach(s.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Put([]byte("x")); err != nil {
		t.Fatal(err)
	}
	seen, err := monitor.Look(c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := statText(seen)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Clients []map[string]any
	}
	var members map[string]any
	for _, to := range []any{&all, &members} {
		if err := json.Unmarshal(text, to); err != nil {
			t.Fatal(err)
		}
	}
	for old, now := range map[string]string{"capacity": "capacity_bytes", "held": "held_bytes", "start": "start_position", "head": "head_position"} {
		if o, n := fmt.Sprintf("%.0f", members[old]), members[now]; o != n && members[old] != n {
			t.Errorf("%s is %v, and %s is %v", old, o, now, n)
		}
	}
	for _, one := range append(all.Clients, members) {
		for _, name := range []string{"age", "attached"} {
			if ns, is := one[name+"_ns"].(float64); is && fmt.Sprintf("%.3f", ns/1e9) != fmt.Sprintf("%.3f", one[name+"_seconds"]) {
				t.Errorf("%s: %v ns, and %v s", name, ns, one[name+"_seconds"])
			}
		}
	}
	if _, is := members["head_position"].(string); !is || members["closed"] != false || members["state"] != "open" || members["age_ns"] == nil ||
		len(all.Clients) != 2 || all.Clients[1]["attached_ns"] == nil {
		t.Errorf("%s", text)
	}
}
