package main

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// Members of JSON that were renamed are there under their old names too, with the same values, and empty
// lists are [].
func TestDeprecatedMembers(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB")
	if r := runCommand(t, "frame", "pub", "x", "--name", name); r.status != 0 {
		t.Fatalf("pub: %+v", r)
	}
	object := func(text string) (all map[string]any) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return all
	}
	printed := func(args ...string) map[string]any {
		t.Helper()
		return object(runCommand(t, "", append(args, "--json", "--name", name)...).out)
	}
	topic, check, stat := printed("topics"), printed("check"), printed("stat")
	for _, one := range []struct {
		of       map[string]any
		old, new string
	}{
		{topic, "bytes", "published_bytes"}, {check, "bytes", "chunk_bytes"}, {check, "bare", "headerless_bytes"},
		{stat, "head", "head_position"}, {stat, "start", "start_position"},
	} {
		if one.of[one.old] == nil || !reflect.DeepEqual(one.of[one.old], one.of[one.new]) {
			t.Errorf("%s is %v, and %s is %v", one.old, one.of[one.old], one.new, one.of[one.new])
		}
	}
	for list, of := range map[string]map[string]any{"subscribers": topic, "groups": topic, "problems": check} {
		if all, is := of[list].([]any); !is || len(all) != 0 {
			t.Errorf("%s is %v, not []", list, of[list])
		}
	}
	if _, is := topic["frame_rate"]; is {
		t.Errorf("one look has no rates: %v", topic)
	}
	text, err := json.Marshal(lineOf(&monitor.Topic{Subscribers: []monitor.Subscriber{{Lag: 3}}, Groups: []monitor.Group{{Lag: 4}}}))
	if err != nil {
		t.Fatal(err)
	}
	for list, lag := range map[string]float64{"subscribers": 3, "groups": 4} {
		if one := object(string(text))[list].([]any)[0].(map[string]any); one["lag"] != lag || one["behind"] != lag {
			t.Errorf("%s: %v", list, one)
		}
	}
}
