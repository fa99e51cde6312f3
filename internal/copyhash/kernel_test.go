package copyhash

import (
	"slices"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// Every kernel that this machine can run is right.
func TestProven(t *testing.T) {
	all := Kernels()
	if got := right(all); !slices.Equal(got, all) {
		t.Errorf("right are %v of %v", got, all)
	}
}

// heats returns the times of a race in which a takes so many ns for each heat and b so many.
func heats(a, b int64) func(Kernel, Kernel) (ofA, ofB []int64) {
	return func(Kernel, Kernel) (ofA, ofB []int64) {
		for i := range int64(21) {
			noise := i % 7 * 3
			if i == 20 {
				noise = 1e6 // the host took the CPU away
			}
			ofA, ofB = append(ofA, a+noise), append(ofB, b+noise/2)
		}
		return ofA, ofB
	}
}

// The order of kernels is decided by a name, by the model, or by a timing, in this order. All
// kernels are written as if this machine had proven them: those that it has not are passed over.
func TestChoose(t *testing.T) {
	never := func(Kernel, Kernel) (a, b []int64) { t.Error("a race where none is needed"); return nil, nil }
	few := func(Kernel, Kernel) (a, b []int64) { return []int64{2000, 2000}, []int64{10, 10} }
	wide, narrow := AVX512, AVX2
	if !slices.Contains(Kernels(), AVX512) { // two that this machine has stand for the two
		wide, narrow = Kernels()[0], Portable
	}
	both := []Kernel{wide, narrow, Portable}
	for _, tt := range []struct {
		name   string
		force  string
		all    []Kernel
		model  cpu.Model
		timing func(a, b Kernel) (ofA, ofB []int64)
		want   Kernel
		why    Why
		bad    bool
	}{
		{name: "the second takes half the time", all: both, timing: heats(800, 400), want: narrow, why: Timed},
		{name: "the first takes half the time", all: both, timing: heats(400, 800), want: wide, why: Timed},
		{name: "the second is a little faster", all: both, timing: heats(800, 700), want: wide, why: Unclear},
		{name: "alike", all: both, timing: heats(800, 800), want: wide, why: Unclear},
		{name: "too few heats", all: both, timing: few, want: wide, why: Unclear},
		{name: "no memory for a race", all: both, timing: func(Kernel, Kernel) (a, b []int64) { return nil, nil }, want: wide, why: Unclear},
		{name: "one kernel", all: []Kernel{wide, Portable}, timing: never, want: wide, why: Alone},
		{name: "the portable one", all: []Kernel{Portable}, timing: never, want: Portable, why: Alone},
		{name: "none", timing: never, want: Portable, why: Alone},
		{name: "forced", force: "portable", all: both, timing: never, want: Portable, why: Forced},
		{name: "forced to the first", force: wide.String(), all: both, timing: never, want: wide, why: Forced},
		{name: "another model", all: both, model: cpu.Model{Vendor: "Intel", Family: 6, Model: 0x8f}, timing: heats(900, 900), want: wide, why: Unclear},
		{name: "no such name", force: "AVX9\n", all: both, timing: heats(800, 400), want: narrow, why: Timed, bad: true},
		{name: "cannot run here", force: "neon", all: []Kernel{wide, Portable}, timing: never, want: wide, why: Alone, bad: wide != NEON},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "cannot run here" && wide == NEON {
				tt.force, tt.bad = "avx2", true
			}
			got := choose(tt.force, tt.all, tt.model, tt.timing)
			if got.Kernel != tt.want || got.Why != tt.why || (got.Err != nil) != tt.bad {
				t.Errorf("%+v", got)
			}
			if tt.bad {
				t.Log(got.Err)
			}
		})
	}
}

// The models whose faster kernel is known, and their neighbours.
func TestPreferred(t *testing.T) {
	for _, tt := range []struct {
		vendor        string
		family, model int
		want          Kernel
		known         bool
	}{
		{"AMD", 0x19, 0x01, Portable, false}, // Zen 3
		{"AMD", 0x19, 0x11, AVX2, true},      // Zen 4: Genoa
		{"AMD", 0x19, 0x21, Portable, false},
		{"AMD", 0x19, 0x61, AVX2, true}, // Raphael
		{"AMD", 0x19, 0x74, AVX2, true}, // Phoenix
		{"AMD", 0x19, 0xa0, AVX2, true}, // Bergamo
		{"AMD", 0x1a, 0x02, AVX512, true},
		{"AMD", 0x1a, 0x11, AVX512, true},
		{"AMD", 0x1a, 0x24, Portable, false}, // mobile
		{"AMD", 0x1a, 0x44, AVX512, true},
		{"Intel", 0x19, 0x11, Portable, false},
		{"", 0, 0, Portable, false},
	} {
		k, known := preferred(cpu.Model{Vendor: tt.vendor, Family: tt.family, Model: tt.model})
		if k != tt.want || known != tt.known {
			t.Errorf("%+v: %s %v", tt, k, known)
		}
	}
}

// A race between a kernel and itself decides nothing, and it ends.
func TestRace(t *testing.T) {
	k := Kernels()[0]
	a, b := race(k, k)
	if len(a) != len(b) || len(a) == 0 {
		t.Errorf("%d and %d heats", len(a), len(b))
	}
	t.Logf("%s: %d heats of %v", k, len(a), time.Duration(middle(a)))
}

func TestDecision(t *testing.T) {
	d := Decision()
	if d.Err != nil || d.Kernel != InUse() || !slices.Contains(Kernels(), d.Kernel) {
		t.Errorf("%+v, in use %s", d, InUse())
	}
	t.Logf("%+v", d)
}

// BenchmarkChoose is what the first copy of a process pays for the choice: by model, and with a race.
func BenchmarkChoose(b *testing.B) {
	all := append([]Kernel{Kernels()[0]}, Kernels()...)
	for name, model := range map[string]cpu.Model{"race": {}, "model": cpu.ModelHere()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if name == "model" {
					choose("", Kernels(), model, race)
				} else {
					choose("", all, model, race)
				}
			}
		})
	}
}
