//go:build failpoints

package faults

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
)

// row is a step of a protocol at which a process dies.
type row struct {
	size    int                  // of the ring; 0 means ringSize
	before  func(w *world)       // what stands before
	fatal   func(w *world) order // what the process does when it dies
	or      func(w *world) order // another thing that comes by here, or nil
	pass    int                  // at which passage; 0 is the first
	after   func(w *world)       // what must hold then
	backend string               // the only one that comes there
	newcome bool                 // it is not attached yet
}

// ways are what a process may do when it dies there, by what it adds to the test's name.
func (r row) ways() map[string]func(*world) order {
	all := map[string]func(*world) order{"": r.fatal}
	if r.or != nil {
		all["/or"] = r.or
	}
	return all
}

// world is one in which the row can be tried: with the process that is to die, and a frame.
func (r row) world(t *testing.T, backend string) *world {
	t.Helper()
	w := newWorldOf(t, backend, place(t, backend), cmp.Or(r.size, ringSize))
	if r.newcome {
		w.victim = newPeer(t)
	} else {
		w.join()
	}
	w.frame = w.put(20_000)
	if r.before != nil {
		r.before(w)
	}
	w.total, w.head = w.c.Stats().Total, w.in.Ring.Head()
	return w
}

// rows are all of those in which the server lives on.
func rows() map[failpoint.Point]row {
	all := map[failpoint.Point]row{}
	for _, some := range []map[failpoint.Point]row{ringRows(), holdRows(), topicRows(), nextRows(), attachRows()} {
		maps.Copy(all, some)
	}
	return all
}

// At every step of every protocol a process is killed. What it leaves is what docs/crash.md
// says, others go on, and in the end nothing is left in the system.
func TestCrash(t *testing.T) {
	for _, backend := range backends() {
		for point, r := range rows() {
			if r.backend != "" && r.backend != backend {
				continue
			}
			for way, fatal := range r.ways() {
				t.Run(fmt.Sprintf("%s/%s%s", backend, point, way), func(t *testing.T) {
					w := r.world(t, backend)
					o := fatal(w)
					w.victim.must(order{Do: "arm", Traps: fmt.Sprintf("%s=kill:%d", point, max(r.pass, 1))})
					if a, err := w.victim.try(o); err == nil {
						t.Fatalf("it came through: %+v", a)
					}
					if !w.victim.Killed() {
						t.Fatal("it was not killed")
					}
					w.inOrder()
					r.after(w)
					w.goesOn()
					w.finish()
				})
			}
		}
	}
}

// Wherever a server dies while it starts or ends, the next one works and nothing is left.
func TestCrashOfServers(t *testing.T) {
	for _, backend := range backends() {
		for point, r := range serverRows() {
			if r.backends != "" && !strings.Contains(r.backends, backend) {
				continue
			}
			for pass := 1; pass <= max(r.passes, 1); pass++ {
				t.Run(fmt.Sprintf("%s/%s/%d", backend, point, pass), func(t *testing.T) {
					w := &world{t: t, backend: backend, dir: place(t, backend), victim: newPeer(t)}
					o := order{Do: "serve", Backend: backend, Dir: w.dir, Size: ringSize}
					if r.stopping {
						w.key = w.victim.must(o).Key
						w.attach()
						o = order{Do: "stop"}
					}
					if r.before != nil {
						r.before(w)
					}
					w.victim.must(order{Do: "arm", Traps: fmt.Sprintf("%s=kill:%d", point, pass)})
					if a, err := w.victim.try(o); err == nil {
						t.Fatalf("it came through: %+v", a)
					}
					if !w.victim.Killed() {
						t.Fatal("it was not killed")
					}
					r.after(w)
					if w.c != nil {
						if err := w.c.Close(); err != nil {
							t.Error(err)
						}
					}
					again := newWorld(t, backend, w.dir)
					again.goesOn()
					again.finish()
					nothingLeft(t, backend, w.dir, w.victim.PID())
				})
			}
		}
	}
}

// A process that is stopped anywhere and goes on later comes to a good end, or is told.
func TestStopAndGoOn(t *testing.T) {
	for point, r := range rows() {
		backend := cmp.Or(r.backend, "sysv")
		for way, fatal := range r.ways() {
			t.Run(string(point)+way, func(t *testing.T) {
				w := r.world(t, backend)
				o := fatal(w)
				w.victim.must(order{Do: "arm", Traps: fmt.Sprintf("%s=stop:%d", point, max(r.pass, 1))})
				w.victim.Send(o)
				w.victim.WaitStopped()
				w.inOrder()
				w.goesOn() // for some laps
				w.victim.Signal(cont)
				if o.Do == "next" {
					w.publish(8) // others of its group took what was there
				}
				var a answer
				w.victim.Recv(&a)
				if a.Err != "" && !a.Timeout {
					t.Errorf("it was told %s", a.Err)
				}
				// What it wrote after it woke may have spoilt a frame, whose readers are told.
				w.lap()
				w.goesOn()
				w.victim.Done()
				w.finish()
			})
		}
	}
}

// Every point has a test: docs/crash.md says that it is executed.
func TestEveryPointIsTried(t *testing.T) {
	source, err := os.ReadFile("../../internal/failpoint/points.go")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`Point = "(\w+/\w+)"`).FindAllSubmatch(source, -1)
	some, servers := rows(), serverRows()
	for _, m := range all {
		p := failpoint.Point(m[1])
		_, tried := some[p]
		if _, ofServers := servers[p]; !tried && !ofServers {
			t.Errorf("%s is never tried", p)
		}
	}
	if n := len(some) + len(servers); n != len(all) || n < 50 {
		t.Errorf("%d points, %d of them tried", len(all), n)
	}
}
