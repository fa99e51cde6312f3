package copyhash

import "testing"

// Every kernel that this machine can run is right, and one that is not is passed over.
func TestChoose(t *testing.T) {
	for _, k := range Kernels() {
		if !k.proven() {
			t.Errorf("%s is wrong", k)
		}
		if got := choose([]Kernel{k, Portable}); got != k {
			t.Errorf("chose %s before %s", got, k)
		}
	}
	if best != Kernels()[0] {
		t.Errorf("%s is in use, not %s", best, Kernels()[0])
	}
	if got := choose(nil); got != Portable {
		t.Errorf("chose %s of none", got)
	}
}

func BenchmarkChoose(b *testing.B) {
	for b.Loop() {
		choose(Kernels())
	}
}
