package record

import (
	"fmt"
	"strings"
	"testing"
)

// What comes is put together, and what does not is counted, each frame once.
func TestAssembly(t *testing.T) {
	for what, c := range map[string]struct {
		messages string // run, ordinal, index, and behind a dot the number of messages at the frame's end; "b" is b's mark; "|" the end of what is asked for
		whole    int
		missed   uint64
	}{
		"frames of one":               {"a00.1 a10.1 a20.1", 3, 0},
		"frames of several":           {"a00 a01 a02.3 a10 a11.2", 2, 0},
		"begins in a frame":           {"a51 a52.3 a60.1", 1, 0},
		"begins at a last part":       {"a52.3 a60.1", 1, 0},
		"begins later":                {"a50 a51.2 a60.1", 2, 0},
		"a hole in a frame":           {"a00.1 a10 a12.3 a20.1", 2, 1},
		"no beginning":                {"a00.1 a11 a12.3 a20.1", 2, 1},
		"no end, then the next":       {"a00.1 a10 a11 a20.1", 2, 1},
		"no end, then again":          {"a00.1 a10 a11 a10 a11 a12.3 a20.1", 3, 0},
		"too few for its head":        {"a00.1 a10.2 a20.1", 2, 1},
		"frames are missing":          {"a00.1 a40.1", 2, 3},
		"missing, and one in part":    {"a00.1 a31 a32.3 a40.1", 2, 3},
		"cut off, another run":        {"a00.1 a10 a11 b00.1", 2, 1},
		"cut off before, another run": {"a00.1 a30 b00.1", 2, 3},
		"a run begins later":          {"a00.1 b20.1", 2, 2},
		"cut off at the end":          {"a00.1 a10", 1, 1},
		"a frame twice":               {"a00.1 a00.1 a10.1", 2, 0},
		"nothing":                     {"", 0, 0},
		"marks":                       {"a a00.1 b b00 b01.2", 2, 0},
		"a mark in a frame":           {"a00.1 a10 a11 b b00.1", 2, 1},
		"nothing but a mark":          {"a00.1 b", 1, 0},
		"ends in a frame":             {"a00.1 a10 | a11", 1, 0},
		"ends between":                {"a00.1 a10.1 | a20", 2, 0},
		"ends after a loss":           {"a00.1 a30 | a31", 1, 2},
		"ends in one that is cut off": {"a00.1 a10 | b00", 1, 1},
		"ends where another is sent":  {"a00.1 a10 | a20", 1, 1},
		"within one frame":            {"a01 | a02", 0, 0},
	} {
		a := assembler{most: 100}
		whole, missed, ends := 0, uint64(0), false
		for m := range strings.FieldsSeq(c.messages) {
			if m == "|" {
				ends = true
				continue
			}
			var p partOf
			p.run = m[:1]
			parts := 0
			if len(m) == 1 {
				missed += a.add(p, nil)
				continue
			}
			if _, err := fmt.Sscanf(m[1:]+" ", "%1d%1d", &p.ordinal, &p.index); err != nil {
				t.Fatal(err)
			}
			if ends {
				missed += a.cut(p)
				break
			}
			missed += a.add(p, []byte{byte(p.index)})
			if len(m) > 3 {
				parts = int(m[4] - '0')
				ok, more := a.end(p, parts)
				if missed += more; ok {
					whole++
					for i, b := range a.data {
						if int(b) != i || len(a.data) != parts {
							t.Errorf("%s: %s is %v", what, m, a.data)
						}
					}
				}
			}
		}
		missed += a.finish()
		if whole != c.whole || missed != c.missed {
			t.Errorf("%s: %d whole and %d missed, want %d and %d", what, whole, missed, c.whole, c.missed)
		}
	}
}

// A frame that is larger than the ring takes no memory.
func TestAssemblyOfTooMuch(t *testing.T) {
	a := assembler{most: 10}
	for i := range 1000 {
		a.add(partOf{run: "a", index: i}, make([]byte, 3))
	}
	if ok, missed := a.end(partOf{run: "a", index: 999}, 1000); !ok || missed != 0 || !a.large || len(a.data) > 10 {
		t.Errorf("%v, %d, %+v", ok, missed, a)
	}
	a.add(partOf{run: "a", ordinal: 1}, []byte("small"))
	if ok, _ := a.end(partOf{run: "a", ordinal: 1}, 1); !ok || a.large || string(a.data) != "small" {
		t.Errorf("%+v", a)
	}
}
