package remote

import (
	"encoding/json"
	"testing"
	"time"
)

// Members of a host's JSON that were renamed are there under both names.
func TestHostHasDeprecatedMembers(t *testing.T) {
	h := Host{Capacity: 5, Topics: []HostTopic{}}
	h.setRTT(2 * time.Second)
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil || all["capacity"] != 5. || all["capacity_bytes"] != 5. || all["rtt_ns"] != 2e9 || all["rtt_seconds"] != 2. {
		t.Errorf("%s: %v", text, err)
	}
}
