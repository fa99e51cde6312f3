//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Variable is the environment variable that arms failpoints: POINT=ACTION:N, several joined by commas.
// At the N-th passage of the point, counted from 1, the process dies (kill) or stops (stop).
const Variable = "FRAMEBUFFER_FAILPOINTS"

// trap is what happens at a point; it happens once.
type trap struct {
	point Point
	kill  bool
	left  atomic.Int64 // passages until then
}

// traps are those of this process: tests arm whole processes.
var (
	traps     atomic.Pointer[[]*trap]
	fromShell sync.Once
)

// Hit is one passage of a point.
func Hit(p Point) {
	fromShell.Do(func() {
		if s := os.Getenv(Variable); s != "" {
			if err := Arm(s); err != nil {
				panic(err) // with nothing armed the test would pass
			}
		}
	})
	all := traps.Load()
	if all == nil {
		return
	}
	for _, t := range *all {
		if t.point == p && t.left.Add(-1) == 0 {
			t.spring()
		}
	}
}

// Arm replaces the traps by those that s names, in the form of [Variable]. An empty s disarms.
func Arm(s string) error {
	var all []*trap
	for _, one := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) {
		point, what, ok := strings.Cut(one, "=")
		action, count, ok2 := strings.Cut(what, ":")
		n, err := strconv.ParseInt(count, 10, 64)
		if !ok || !ok2 || err != nil || n < 1 || action != "kill" && action != "stop" {
			return fmt.Errorf("failpoint: %q is not POINT=kill:N or POINT=stop:N", one)
		}
		t := &trap{point: Point(point), kill: action == "kill"}
		t.left.Store(n)
		all = append(all, t)
	}
	traps.Store(&all)
	return nil
}

// spring sends the signal to this very thread, so that it takes effect before the call returns: not one
// more instruction of the caller runs. The parent of a stopped process learns of it by SIGCHLD and
// waitid(2), and resumes it with SIGCONT.
func (t *trap) spring() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signal := unix.SIGSTOP
	if t.kill {
		signal = unix.SIGKILL
	}
	if err := unix.Tgkill(os.Getpid(), unix.Gettid(), signal); err != nil {
		panic(fmt.Sprintf("failpoint: %v at %s: %v", signal, t.point, err))
	}
}
