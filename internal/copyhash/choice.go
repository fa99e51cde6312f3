package copyhash

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// Variable names the environment variable that forces a kernel by its name.
const Variable = "FRAMEBUFFER_KERNEL"

// Why says what decided for a kernel.
type Why string

// The reasons. Unclear is that a timing found no clear difference, which leaves the widest registers.
const (
	Alone   Why = "the only one"
	ByModel Why = "model"
	Timed   Why = "timed"
	Unclear Why = "no clear difference"
	Forced  Why = "forced"
)

// Choice is a kernel, why it is the one, and what is wrong with the value of [Variable], if anything.
type Choice struct {
	Kernel Kernel
	Why    Why
	Err    error
}

// chosen is the kernel in use and 1, or 0 before the first copy. Each value was stored after its kernel
// was proven, and it is stored once: decide runs once, and every later load finds the same.
var chosen atomic.Uint32

// decide chooses once per process, at the first copy that needs a kernel and not at the program's
// start, because it may take a millisecond.
var decide = sync.OnceValue(func() Choice {
	c := choose(os.Getenv(Variable), Kernels(), cpu.ModelHere(), race)
	chosen.Store(uint32(c.Kernel) + 1)
	return c
})

// inUse is one load once the choice is made. The methods of Kernel switch on its result and call the
// kernels directly: through function values the accumulators would escape to the heap.
func inUse() Kernel {
	if c := chosen.Load(); c != 0 {
		return Kernel(c - 1)
	}
	return decide().Kernel
}

// InUse returns the kernel that the functions of the package take.
func InUse() Kernel { return inUse() }

// Decision returns the kernel in use and why it is.
func Decision() Choice { return decide() }

// choose returns the kernel that force names, if it can run here. Otherwise it takes the first of
// those that are right, in the order that is known for the CPU's model; where none is known, timing
// decides between the first two.
func choose(force string, all []Kernel, model cpu.Model, timing func(a, b Kernel) (ofA, ofB []int64)) Choice {
	var c Choice
	all = right(all)
	if force != "" {
		k, err := forced(force, all)
		if err == nil {
			return Choice{Kernel: k, Why: Forced}
		}
		c.Err = err
	}
	if len(all) > 0 {
		c.Kernel = all[0]
	}
	if len(all) < 3 || all[len(all)-1] != Portable { // one, and the portable one
		c.Why = Alone
		return c
	}
	if k, known := preferred(model); known && slices.Contains(all, k) {
		c.Kernel, c.Why = k, ByModel
		return c
	}
	first, second := timing(all[0], all[1])
	switch {
	case clearlyFaster(second, first):
		c.Kernel, c.Why = all[1], Timed
	case clearlyFaster(first, second):
		c.Why = Timed
	default:
		c.Why = Unclear
	}
	return c
}

// CheckVariable returns an error if [Variable] names no kernel that this machine has. It proves and
// times nothing.
func CheckVariable() error {
	force := os.Getenv(Variable)
	if force == "" {
		return nil
	}
	_, err := forced(force, Kernels())
	return err
}

// forced returns the kernel of that name if it is one of all.
func forced(name string, all []Kernel) (Kernel, error) {
	k, known := named(name)
	switch {
	case !known:
		return k, fmt.Errorf("%s=%.40q: there is no such kernel: take one of %s", Variable, name, list(all))
	case !slices.Contains(all, k):
		return k, fmt.Errorf("%s=%s: this machine cannot run that kernel: take one of %s", Variable, name, list(all))
	}
	return k, nil
}

func list(all []Kernel) string {
	var names []string
	for _, k := range all {
		names = append(names, k.String())
	}
	return strings.Join(names, ", ")
}
