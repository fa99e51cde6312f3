package monitor_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// Every counter has a line in the table, and is in the JSON of counts and of rates.
func TestCounters(t *testing.T) {
	var counts monitor.Counts
	var rates monitor.Rates
	names := map[string]bool{}
	for c := range monitor.NumCounters {
		if c.String() == "" || c.Help() == "" || names[c.String()] {
			t.Errorf("counter %d: name %q, help %q", c, c, c.Help())
		}
		names[c.String()] = true
		counts[c], rates[c] = uint64(c)+1, float64(c)+1
	}
	inCounts, inRates := members(t, counts), members(t, rates)
	for c := range monitor.NumCounters {
		if inCounts[c.String()] != float64(c)+1 || inRates[c.String()] != float64(c)+1 {
			t.Errorf("%s is not in %v or %v", c, inCounts, inRates)
		}
	}
	var sameCounts monitor.Counts
	var sameRates monitor.Rates
	back(t, counts, &sameCounts)
	back(t, rates, &sameRates)
	if sameCounts != counts || sameRates != rates {
		t.Errorf("%v, %v", sameCounts, sameRates)
	}
	if inRates["timeouts"] != rates.Timeouts() || counts.Timeouts() != counts[monitor.Overwritten]+counts[monitor.Altered] {
		t.Errorf("timeouts: %v, %v", inRates, counts.Timeouts())
	}
}

// Members of JSON that were renamed are there under their old names too, with the same values.
func TestDeprecatedMembers(t *testing.T) {
	s := look(t, watch(t, serve(t, 1<<16, nil).Key()))
	var counts monitor.Counts
	for c := range monitor.NumCounters {
		counts[c] = uint64(c) + 1
	}
	for _, one := range []struct {
		of       any
		old, new string
	}{
		{s, "head", "head_position"},
		{s, "start", "start_position"},
		{counts, "reused", "overwritten"},
		{counts, "remote_bytes", "remote_read_bytes"},
	} {
		all := members(t, one.of)
		if all[one.old] == nil || !reflect.DeepEqual(all[one.old], all[one.new]) {
			t.Errorf("%s is %v, and %s is %v", one.old, all[one.old], one.new, all[one.new])
		}
	}
}

// Empty lists are [] in JSON, and positions are strings.
func TestEmptyListsAndPositions(t *testing.T) {
	server := serve(t, 1<<16, nil)
	all := members(t, look(t, watch(t, server.Key())))
	for _, list := range []string{"holds", "topics"} {
		if got, is := all[list].([]any); !is || got == nil {
			t.Errorf("%s is %v", list, all[list])
		}
	}
	for _, position := range []string{"head_position", "start_position"} {
		if _, is := all[position].(string); !is {
			t.Errorf("%s is %v", position, all[position])
		}
	}
}

// members returns a value's JSON as an object.
func members(t *testing.T, of any) (all map[string]any) {
	t.Helper()
	back(t, of, &all)
	return all
}

// back writes a value as JSON and reads it again.
func back(t *testing.T, of, to any) {
	t.Helper()
	text, err := json.Marshal(of)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}
