package probe

import (
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
)

// around returns n latencies about ns, a tenth more or less.
func around(r *rand.Rand, ns float64, n int) (all []float64) {
	for range n {
		all = append(all, ns*(0.9+0.2*r.Float64()))
	}
	return all
}

func TestPlacements(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	mix := func(parts ...[]float64) (all []float64) {
		for _, p := range parts {
			all = append(all, p...)
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return all
	}
	for _, c := range []struct {
		name   string
		probes []float64
		want   map[string]float64 // about
	}{
		{"none", nil, nil},
		{"a single core", []float64{0, 0, 0, 0}, nil},
		{"one", around(r, 54, 40), map[string]float64{"all": 54}},
		{"one, and strays", mix(around(r, 54, 400), around(r, 900, 2), around(r, 20, 2)), map[string]float64{"all": 54}},
		{"two", mix(around(r, 54, 300), around(r, 253, 40)), map[string]float64{"near": 54, "far": 253}},
		{"two of few", mix(around(r, 54, 10), around(r, 253, 5)), map[string]float64{"near": 54, "far": 253}},
		{"two, and strays between", mix(around(r, 54, 300), around(r, 253, 300), around(r, 120, 8), around(r, 900, 3)), map[string]float64{"near": 54, "far": 253}},
		{"two, slower", mix(around(r, 170, 50), around(r, 520, 50)), map[string]float64{"near": 170, "far": 520}},
		{"three", mix(around(r, 26, 30), around(r, 54, 100), around(r, 253, 30)), map[string]float64{"near": 26, "middle": 54, "far": 253}},
		{"smeared", mix(around(r, 50, 30), around(r, 60, 30), around(r, 72, 30), around(r, 86, 30), around(r, 103, 30)), map[string]float64{"all": 72}},
	} {
		got := Placements(c.probes)
		if len(got) != len(c.want) {
			t.Errorf("%s: %+v", c.name, got)
			continue
		}
		for _, p := range got {
			if ns, ok := c.want[p.Name]; !ok || p.Line < ns*0.85 || p.Line > ns*1.15 || p.Lowest > p.Line || p.Highest < p.Line {
				t.Errorf("%s: %+v, wanted %v", c.name, p, c.want)
			}
		}
	}
}

func TestClass(t *testing.T) {
	all := []Placement{{Name: "near", Line: 54}, {Name: "far", Line: 253}}
	for _, c := range []struct {
		before, after float64
		want          string
	}{{50, 60, "near"}, {250, 260, "far"}, {50, 250, ""}, {250, 50, ""}, {120, 50, ""}, {54, 900, ""}, {0, 0, ""}} {
		if got, ok := Class(all, c.before, c.after); got != c.want || ok != (c.want != "") {
			t.Errorf("%v, %v: %q, wanted %q", c.before, c.after, got, c.want)
		}
	}
}

func TestMain(m *testing.M) {
	if !Serves() {
		os.Exit(m.Run())
	}
}

// The probe answers on whatever this machine has, and leaves this process's cores alone.
func TestLine(t *testing.T) {
	var before, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, cores := range machine.Pairs() {
			if ns, err := p.Line(cores); err != nil || cores[0] != cores[1] && !(ns > 0) || cores[0] == cores[1] && ns != 0 {
				t.Errorf("%v: %v ns, %v", cores, ns, err)
			}
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := unix.SchedGetaffinity(os.Getpid(), &after); err != nil || after != before {
		t.Errorf("this process may run on %d CPUs, and could on %d (%v)", after.Count(), before.Count(), err)
	}
}
