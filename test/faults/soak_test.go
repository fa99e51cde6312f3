//go:build failpoints

package faults

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/integrity"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// passed are the points that a kind of worker comes by.
var passed = map[string][]failpoint.Point{
	"writer": {
		failpoint.AllocateAdded, failpoint.AllocateHeaded, failpoint.AllocateStepping, failpoint.AllocateStepped, failpoint.WriteFound,
		failpoint.MilestoneTimed, failpoint.WriteLooked, failpoint.WriteCopied, failpoint.ReserveFilling, failpoint.CommitHashed, failpoint.ReadFound, failpoint.ReadCopied,
		failpoint.SlotClaimed, failpoint.SlotFolded, failpoint.SlotDescribed, failpoint.SlotReady,
	},
	"publisher": {
		failpoint.LabelStuck, failpoint.LabelWritten, failpoint.RecordTaken,
		failpoint.PublishBegun, failpoint.PublishNumbered, failpoint.PublishQueued, failpoint.PublishCounted, failpoint.PublishWoken,
		failpoint.WakeCleared, failpoint.EndTurned, failpoint.ReopenTurned, failpoint.TopicOpened, failpoint.AllocateAdded, failpoint.WriteLooked,
	},
	"subscriber": {
		failpoint.NextLooked, failpoint.NextTaken, failpoint.NextLost, failpoint.SleepSaid, failpoint.ReadCopied,
		failpoint.SubscribeClaimed, failpoint.SubscribeEntered, failpoint.SubscribeLeaving, failpoint.SubscribeReleased,
	},
	"member": {failpoint.NextLooked, failpoint.NextTaken, failpoint.NextLost, failpoint.SleepSaid, failpoint.GroupOpened},
	"holder": {
		failpoint.HoldClaimed, failpoint.HoldPlaced, failpoint.HoldMeasured, failpoint.HoldBounded, failpoint.HoldTimed, failpoint.HoldCounted,
		failpoint.HoldConfirmed, failpoint.ExtendExchanged, failpoint.ExtendTimed, failpoint.ExtendConfirmed, failpoint.ReleaseBegun,
		failpoint.ReleaseDone, failpoint.ViewLooking, failpoint.ViewLookedAgain,
	},
	"visitor": {
		failpoint.AttachMapped, failpoint.AttachOpened, failpoint.SlotClaimed, failpoint.SlotFolded, failpoint.SlotDescribed, failpoint.SlotReady,
		failpoint.CloseBegun, failpoint.CloseHooked, failpoint.CloseFolded, failpoint.CloseReleased, failpoint.CloseDetached,
	},
}

// fault is one way to treat a process.
type fault string

const (
	killAnywhere fault = "SIGKILL at random"
	stopAnywhere fault = "SIGSTOP at random, some laps, SIGCONT"
	killAtPoint  fault = "SIGKILL at a named point"
	stopAtPoint  fault = "SIGSTOP at a named point, some laps, SIGCONT"
	killServer   fault = "SIGKILL of the server"
	stopServer   fault = "SIGSTOP of the server, some laps, SIGCONT"
)

// figures are what the table in bench/faults.md is made of.
type figures struct {
	rounds  map[string]int // by victim and fault
	points  map[failpoint.Point]int
	work    tally
	damaged int
	worlds  int
}

// Processes of every kind work on one ring, and one after the other is killed or stopped, at
// random or at a named point. After each round the others go on and the segment is in order;
// after each server's end nothing is left.
//
// SOAK_ROUNDS says how many rounds there are, SOAK_TIME how long at least.
func TestSoak(t *testing.T) {
	rounds := number("SOAK_ROUNDS", 200)
	at := time.Now()
	least := time.Duration(number("SOAK_TIME", 0)) * time.Second
	f := figures{rounds: map[string]int{}, points: map[failpoint.Point]int{}}
	for n := 0; n < rounds || time.Since(at) < least; {
		for _, backend := range backends() {
			for _, stops := range []bool{false, true} {
				n += f.world(t, backend, stops, min(25, max(rounds-n, 1)))
				if t.Failed() {
					return
				}
			}
		}
	}
	f.report(t)
}

// world is a server's life, with that many rounds; it returns how many there were. Where
// no process is stopped, only killed, not a byte may be wrong anywhere.
func (f *figures) world(t *testing.T, backend string, stops bool, rounds int) int {
	size := ringSize
	if !stops {
		size = 32 << 20 // more than is overwritten while the scheduler lets a process wait
	}
	w := newWorldOf(t, backend, place(t, backend), size)
	m := newTeam(t, w.key, "peaceful")
	f.worlds++
	m.atWork()
	for range rounds {
		kind := everyone()[rand.IntN(len(kinds))]
		f.round(w, m, kind, stops)
		m.atWork()
		r := w.inOrder()
		if f.damaged += r.Damaged; !stops && r.Damaged > 0 {
			t.Errorf("damaged, and no process was stopped: %+v", r)
		}
		if t.Failed() {
			return rounds
		}
	}
	if stops {
		w.server.Signal(unix.SIGSTOP)
		m.atWork("visitor") // memfd's socket is the server's
		w.server.Signal(unix.SIGCONT)
		m.atWork()
		f.rounds["server: "+string(stopServer)]++
	}
	f.rounds["server: "+string(killServer)]++
	w.server.Kill()
	work := m.goHome() // what they do in the dead ring fails, and ends nothing but itself
	f.work.add(work)
	r := integrity.Check(w.in) // all is quiet
	// A small ring is overwritten while the scheduler lets a process wait, whether it was stopped or not.
	if len(r.Problems) > 0 || !stops && r.Damaged+int(work.Spoilt) > 0 {
		t.Errorf("in the end, stops %v: %+v, %+v", stops, r, work)
	}
	w.finish()
	return rounds + 1
}

// round treats one worker badly, and replaces it if that ends it.
func (f *figures) round(w *world, m *team, kind string, stops bool) {
	how := []fault{killAnywhere, killAtPoint, stopAnywhere, stopAtPoint}[rand.IntN(4)]
	if !stops {
		how = []fault{killAnywhere, killAtPoint}[rand.IntN(2)]
	}
	f.rounds[kind+": "+string(how)]++
	p := m.procs[kind]
	switch how {
	case killAnywhere:
		f.tell(m, kind)
		time.Sleep(rand.N(3 * time.Millisecond)) // wherever it is then
		p.Kill()
		m.start(kind)
	case stopAnywhere:
		time.Sleep(rand.N(3 * time.Millisecond))
		p.Signal(unix.SIGSTOP)
		w.laps(1 + rand.IntN(3))
		p.Signal(unix.SIGCONT)
	case killAtPoint, stopAtPoint:
		points := passed[kind]
		if kind == "writer" && !stops { // there the ring is large enough for batches
			points = append(slices.Clone(points), failpoint.BatchTaken, failpoint.BatchHanded)
		}
		point := points[rand.IntN(len(points))]
		f.points[point]++
		f.tell(m, kind)
		p.CloseInput()
		if err := p.Wait(); err != nil {
			w.t.Fatalf("%s: %v", kind, err)
		}
		action := map[fault]string{killAtPoint: "kill", stopAtPoint: "stop"}[how]
		trap := fmt.Sprintf("%s=%s=%s:%d", failpoint.Variable, point, action, pass(point))
		p = m.start(kind, testproc.Env(trap))
		if how == killAtPoint {
			w.until(m, kind, point, func() bool { return p.Ended() })
			if !p.Killed() {
				w.t.Fatalf("%s at %s: %v", kind, point, p.Wait())
			}
			m.start(kind)
			return
		}
		w.until(m, kind, point, p.HasStopped)
		w.laps(1 + rand.IntN(3))
		p.Signal(unix.SIGCONT)
	}
}

// pass is at which passage it happens: some are made once by a process, some seldom.
func pass(p failpoint.Point) int {
	name := string(p)
	if strings.HasPrefix(name, "slot/") || strings.HasPrefix(name, "topic/") || strings.HasPrefix(name, "group/") ||
		strings.HasPrefix(name, "end/") || strings.HasPrefix(name, "reopen/") || strings.HasPrefix(name, "subscribe/") || strings.HasPrefix(name, "unsubscribe/") ||
		p == failpoint.NextLost || p == failpoint.WakeCleared || p == failpoint.MilestoneTimed {
		return 1
	}
	return 1 + rand.IntN(20)
}

// until waits for what happens at a point, which takes as long as it takes the worker to come
// by. What it needs for that others do: they work meanwhile, and so does the test.
func (w *world) until(m *team, kind string, point failpoint.Point, ok func() bool) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("%s at %s", kind, point), func() bool {
		if ok() {
			return true
		}
		w.laps(1)
		return ok()
	})
}

// laps waits until the ring was overwritten that often, also by the workers.
func (w *world) laps(n int) {
	w.t.Helper()
	for range n {
		w.lap()
	}
}

// tell remembers what a worker has done that is about to go.
func (f *figures) tell(m *team, kind string) {
	m.t.Helper()
	if n, ok := m.told(kind); ok {
		m.look(kind, n)
		m.all.add(n)
	}
}

func (f *figures) report(t *testing.T) {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(f.rounds)) {
		fmt.Fprintf(&b, "%6d  %s\n", f.rounds[what], what)
	}
	t.Logf("%d servers, %d points tried\n%s%d rounds of work went well, %d timeouts, %d frames wrong; %d overwritten while viewed in place, %d damaged seen in queues",
		f.worlds, len(f.points), &b, f.work.Good, f.work.Timeouts, f.work.Wrong, f.work.Spoilt, f.damaged)
}
