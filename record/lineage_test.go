package record

import (
	"fmt"
	"testing"
)

// What cannot follow by the numbers of JetStream is told, and what is missing allows no more than fits into it.
func TestLineage(t *testing.T) {
	type at struct {
		message string // run, ordinal, index; "." behind it ends the frame; the run alone is its mark
		number  uint64
		follows bool
	}
	for what, all := range map[string][]at{
		"frames":                  {{"a", 1, true}, {"a00", 2, true}, {"a01.", 3, true}, {"a10.", 4, true}, {"a20.", 5, true}},
		"once more":               {{"a", 1, true}, {"a00", 2, true}, {"a01", 3, true}, {"a00", 4, true}, {"a01", 5, true}, {"a02.", 6, true}},
		"from within":             {{"a72", 90, true}, {"a73.", 91, true}, {"a80.", 92, true}},
		"stored twice":            {{"a", 1, true}, {"a00.", 2, true}, {"a00.", 3, false}, {"a10.", 4, true}, {"a00.", 5, false}},
		"back":                    {{"a", 1, true}, {"a00.", 2, true}, {"a10.", 3, true}, {"a00", 9, false}, {"a20.", 10, true}},
		"too far":                 {{"a", 1, true}, {"a00.", 2, true}, {"a90.", 5, false}, {"a30.", 6, true}},
		"an index too far":        {{"a", 1, true}, {"a00", 2, true}, {"a05.", 3, false}, {"a01.", 4, true}},
		"an index after a gap":    {{"a", 1, true}, {"a00", 2, true}, {"a05.", 7, true}},
		"no first part":           {{"a", 1, true}, {"a01", 2, false}, {"a00", 3, true}},
		"another recorder":        {{"a", 1, true}, {"a00.", 2, true}, {"b", 3, true}, {"a10.", 4, false}, {"b00.", 5, true}},
		"another run":             {{"a", 1, true}, {"a00.", 2, true}, {"b00.", 3, false}, {"a10.", 4, true}},
		"a mark is gone":          {{"a", 1, true}, {"a00.", 2, true}, {"b00.", 4, true}, {"b10.", 5, true}},
		"a mark and frames":       {{"a", 1, true}, {"a00.", 2, true}, {"b30.", 6, false}, {"b31.", 8, false}, {"b31.", 10, true}},
		"a late mark":             {{"a", 1, true}, {"a00", 2, true}, {"a", 3, true}, {"a00", 4, true}, {"a01.", 5, true}},
		"what is foreign is seen": {{"a", 1, true}, {"a00.", 2, true}, {"x", 3, false}, {"x", 4, false}, {"b00.", 5, false}},
	} {
		var l lineage
		for _, m := range all {
			if m.message == "x" {
				l.see(m.number)
				continue
			}
			k := kept{number: m.number, mark: len(m.message) == 1, ends: m.message[len(m.message)-1] == '.'}
			k.run = m.message[:1]
			if !k.mark {
				if _, err := fmt.Sscanf(m.message[1:3]+" ", "%1d%1d", &k.ordinal, &k.index); err != nil {
					t.Fatal(err)
				}
			}
			if got := l.take(k); got != m.follows {
				t.Errorf("%s: %s at %d follows: %v, want %v", what, m.message, m.number, got, m.follows)
			}
		}
	}
	l := lineage{last: kept{partOf: partOf{run: "a"}, number: 5}, seen: 5}
	for _, p := range []partOf{{"a", 1 << 61, 0}, {"b", 1 << 61, 0}, {"b", 0, maxParts - 1}, {"a", 0, maxParts - 1}} {
		if l.take(kept{partOf: p, number: 6}) {
			t.Errorf("%v follows", p)
		}
	}
}
