package results

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
)

// turns are n turns of about ns each with probes around them.
func turns(ns float64, n int, before, after float64) (all []Turn) {
	for i := range n {
		all = append(all, NewTurn(ns+float64(i%3-1), before, after))
	}
	return all
}

// sample is a machine whose cores are near in one half of the turns and far in the other.
func sample(name string) *File {
	row := func(kind, ring, way string, near, far float64) *Row {
		all := append(turns(near, 20, 51, 51), turns(far, 20, 250, 250)...)
		return &Row{Task: "stream 1080p, 2 ahead", Ring: ring, Way: way, Kind: kind, Turns: append(all, turns(5, 3, 51, 250)...)}
	}
	return &File{Name: name, Machine: Machine{CPU: "Sample", Vendor: "AMD", Family: 25, Model: 1, Hypervisor: "KVM", CPUs: 2, L2: 512 << 10, L3: 32 << 20, Sharing: "0,1"}, Sections: map[string]*Section{
		"topics": {Program: Program{Commit: "c1"}, By: "a test", Runs: 1, LeftOut: []string{"iceoryx: not there"}, Rows: []*Row{
			row(Limit, "64 MiB", "limit: cached stores", 300, 900),
			row(Limit, "64 MiB", "limit: streaming stores in", 400, 350),
			row(Limit, "256 MiB", "limit: cached stores", 200, 800),
			row(Ours, "64 MiB", "verified", 330, 420),
			row(Rival, "", "another", 310, 1600),
		}},
	}}
}

func TestTurnsCountWhereBothProbesAgree(t *testing.T) {
	f := sample("a")
	places := f.places()
	if len(places) != 2 || places[0].Name != "near" || places[1].Name != "far" {
		t.Fatalf("%+v", places)
	}
	ours := f.Sections["topics"].Rows[3]
	if near, far := ours.At(places[0]), ours.At(places[1]); near[0] != 330 || near[3] != 20 || far[0] != 420 || far[3] != 20 {
		t.Errorf("near %v, far %v", near, far)
	}
}

func TestLimitIsTheBestOfTheSameRingAndPlace(t *testing.T) {
	f := sample("a")
	rows, places := f.Sections["topics"].Rows, f.places()
	for _, c := range []struct {
		ring  string
		place probe.Placement
		want  float64
	}{{"64 MiB", places[0], 300}, {"64 MiB", places[1], 350}, {"256 MiB", places[0], 200}, {"", places[0], 200}, {"", places[1], 350}, {"16 MiB", places[0], 0}} {
		got := 0.0
		if r := BestLimit(rows, "stream 1080p, 2 ahead", c.ring, c.place); r != nil {
			got = r.At(c.place)[0]
		}
		if got != c.want {
			t.Errorf("%q, %s: %v, wanted %v", c.ring, c.place.Name, got, c.want)
		}
	}
}

func TestMerge(t *testing.T) {
	run := func(commit string, rows ...*Row) *Section {
		return &Section{Program: Program{Commit: commit}, Runs: 1, When: time.Unix(0, 0), Rows: rows}
	}
	row := func(way string, lost ...float64) *Row {
		return &Row{Task: "t", Way: way, Kind: Ours, Turns: []Turn{{1, 2, 3}}, Lost: lost}
	}
	f := &File{}
	f.Merge("topics", run("c1", row("a", 0.5), row("b")))
	f.Merge("topics", run("c1", row("c"), row("a", 0.25)))
	s := f.Sections["topics"]
	var got []string
	for _, r := range s.Rows {
		got = append(got, strings.Repeat(r.Way, len(r.Turns)))
	}
	if s.Runs != 2 || !reflect.DeepEqual(got, []string{"c", "aa", "b"}) || len(s.Rows[1].Lost) != 2 {
		t.Errorf("%d runs, %v", s.Runs, got)
	}
	f.Merge("topics", run("c2", row("d")))
	if s := f.Sections["topics"]; s.Runs != 1 || len(s.Rows) != 1 || s.Rows[0].Way != "d" {
		t.Errorf("another commit did not replace: %+v", s)
	}
	f.Merge("handover", run("c3", row("e")))
	if len(f.Sections) != 2 {
		t.Errorf("%d sections", len(f.Sections))
	}
}

func TestFileIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	f := sample("amd-25-1-kvm")
	f.Merge("handover", &Section{By: "x", Runs: 1, Rows: []*Row{{Task: `a "task"`, Kind: Rival, Summaries: map[string]Summary{"near": {1, 2, 3, 4}}}}})
	f.Merge("empty", &Section{By: "y", Runs: 1, Rows: []*Row{}})
	if err := f.Save(dir); err != nil {
		t.Fatal(err)
	}
	all, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || !reflect.DeepEqual(all[0], f) {
		t.Errorf("read %+v", all[0])
	}
	if got := f.Machine.Name(); got != f.Name {
		t.Errorf("name %q", got)
	}
}

func TestPageShowsMachinesSideBySide(t *testing.T) {
	near := sample("b") // on which cores are always near
	for _, r := range near.Sections["topics"].Rows {
		r.Turns = r.Turns[:20]
	}
	page := Page([]*File{sample("a"), near})
	for _, want := range []string{
		"|  | a, near (51 ns) | a, far (250 ns) | b, all (51 ns) |",
		"| stream 1080p, 2 ahead, 64 MiB, limit | 300 (299–301; 20), cached stores | 350 (349–351; 20), streaming stores in | 300 (299–301; 20), cached stores |",
		"| stream 1080p, 2 ahead, 64 MiB, verified | 330 (329–331; 20), **1.10** | 420 (419–421; 20), **1.20** | 330 (329–331; 20), **1.10** |",
		"| stream 1080p, 2 ahead, another | 310 (309–311; 20), **1.55** | 1600 (1599–1601; 20), **4.57** | 310 (309–311; 20), **1.55** |",
		"Left out on a: iceoryx: not there.",
		"| 512 KiB, 32 MiB | 0,1 | KVM |",
		"**Two processes and a topic: a, near (51 ns)**",
		"| stream 1080p, 2 ahead, 64 MiB, verified | 330 (329–331; 20) | 310 (309–311; 20), another | 1.06 | |",
		"| stream 1080p, 2 ahead, 64 MiB, verified | 420 (419–421; 20) | 350 (349–351; 20), limit: streaming stores in | 1.20 | ≤ 1.15 |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

// A pair of cores on which all is well is not said to lose.
func TestNoLosses(t *testing.T) {
	f := sample("a")
	f.Sections["topics"].Rows = f.Sections["topics"].Rows[:4]
	for _, r := range f.Sections["topics"].Rows {
		r.Turns = r.Turns[:20]
	}
	if got := Losses([]*File{f}); got != "\nNowhere.\n" {
		t.Error(got)
	}
}

func TestReadmeHasRanges(t *testing.T) {
	a, b := sample("a"), sample("b")
	for _, r := range b.Sections["topics"].Rows {
		for i := range r.Turns {
			r.Turns[i][0] *= 2
		}
	}
	got := Readme([]*File{a, b})
	for _, want := range []string{"| | near: line 51 ns | far: line 250 ns |", "| 330–660 ns: 1.1 | 420–840 ns: 1.2 |"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, text := range []string{"a\n", "a\n" + readmeBegins + "old\n"} {
		if _, err := InReadme(text, nil); err == nil {
			t.Errorf("%q has a place", text)
		}
	}
	if text, err := InReadme("a\n"+readmeBegins+"old\n"+readmeEnds+"z\n", []*File{a}); err != nil || strings.Contains(text, "old") || !strings.HasSuffix(text, readmeEnds+"z\n") {
		t.Errorf("%q, %v", text, err)
	}
}

// The pages in the repository, and the README's figures, are those of the files.
func TestPagesAreOfTheFiles(t *testing.T) {
	const dir = "../../results"
	all, err := Load(dir)
	if err != nil || len(all) == 0 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	for _, f := range all {
		text, err := f.text()
		if err != nil {
			t.Fatal(err)
		}
		if had, err := os.ReadFile(filepath.Join(dir, f.Name+".json")); err != nil || string(had) != string(text) {
			t.Errorf("%s.json is not as it would be written (%v)", f.Name, err)
		}
		if f.Machine.Model >= 0 && f.Machine.Name() != f.Name {
			t.Errorf("%s.json is of %s", f.Name, f.Machine.Name())
		}
	}
	for _, c := range []struct {
		name string
		make func(had string) (string, error)
	}{
		{filepath.Join(dir, "README.md"), func(string) (string, error) { return Page(all), nil }},
		{"../../../README.md", func(had string) (string, error) { return InReadme(had, all) }},
	} {
		had, err := os.ReadFile(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := c.make(string(had)); err != nil || want != string(had) {
			t.Errorf("%s differs (%v): cd bench && go run ./page", c.name, err)
		}
	}
}
