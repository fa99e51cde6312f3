//go:build failpoints

package faults

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// wallClock is another process's wall clock, which can be set: a test must not set the machine's for a
// test, and time namespaces have no wall clock. Programs in Go ask the vDSO for the time, so that
// is replaced, before the process runs its first instruction, by a few instructions that ask the
// kernel and, for CLOCK_REALTIME, add what stands behind them.
type wallClock struct {
	mem   *os.File // the process's
	ahead int64    // where in it the seconds are that are added
}

var asking = []byte{
	0xb8, 0xe4, 0, 0, 0, // MOVL $228, AX (clock_gettime; DI the clock, SI the result)
	0x0f, 0x05, // SYSCALL
	0x85, 0xff, // TESTL DI, DI (CLOCK_REALTIME)
	0x75, 0x0a, // JNE to RET
	0x48, 0x8b, 0x0d, 6, 0, 0, 0, // MOVQ 6(IP), CX
	0x48, 0x01, 0x0e, // ADDQ CX, (SI)
	0xc3, 0, 0, // RET
	0, 0, 0, 0, 0, 0, 0, 0, // seconds
}

// peerWithClock starts a peer with a wall clock of its own.
//
// Preconditions: the goroutine is locked to its thread, which is the process's tracer meanwhile.
func peerWithClock(t *testing.T) (handle, wallClock) {
	t.Helper()
	p := newPeer(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true} })
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.PID(), &status, 0, nil); err != nil || !status.Stopped() {
		t.Fatalf("it did not stop before it began: %v, %v", status, err)
	}
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", p.PID()), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mem.Close() })
	at, err := clockGettime(p.PID(), mem)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mem.WriteAt(asking, at); err != nil {
		t.Fatal(err)
	}
	if err := syscall.PtraceDetach(p.PID()); err != nil {
		t.Fatal(err)
	}
	return p, wallClock{mem, at + int64(len(asking)) - 8}
}

// clockGettime is where a process's vDSO has that function.
func clockGettime(pid int, mem io.ReaderAt) (int64, error) {
	auxv, err := os.ReadFile(fmt.Sprintf("/proc/%d/auxv", pid))
	if err != nil {
		return 0, err
	}
	const sysinfoEHDR = 33 // AT_SYSINFO_EHDR of <elf.h>
	for i := 0; i+16 <= len(auxv); i += 16 {
		if binary.LittleEndian.Uint64(auxv[i:]) != sysinfoEHDR {
			continue
		}
		base := int64(binary.LittleEndian.Uint64(auxv[i+8:]))
		image := make([]byte, 2*os.Getpagesize()) // it has one or two pages
		if n, err := mem.ReadAt(image, base); n < os.Getpagesize() {
			return 0, err
		}
		f, err := elf.NewFile(bytes.NewReader(image))
		if err != nil {
			return 0, err
		}
		symbols, err := f.DynamicSymbols()
		if err != nil {
			return 0, err
		}
		for _, s := range symbols {
			if s.Name == "__vdso_clock_gettime" && s.Size >= uint64(len(asking)) && s.Value%8 == 0 {
				return base + int64(s.Value), nil
			}
		}
	}
	return 0, errors.New("no clock_gettime in the vDSO")
}

// set puts the wall clock ahead of the machine's, or behind.
func (c wallClock) set(t *testing.T, ahead time.Duration) {
	t.Helper()
	if _, err := c.mem.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(ahead/time.Second)), c.ahead); err != nil {
		t.Fatal(err)
	}
}

// A process's wall clock jumps, while it holds, sleeps and works. Nothing goes by it but the times
// that monitors show: holds end when they would have, sleepers are woken, and living processes are
// taken for alive.
func TestWallClockJumps(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const year = 365 * 24 * time.Hour
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			runtime.LockOSThread() // a test of its own has a goroutine of its own
			defer runtime.UnlockOSThread()
			w := newWorld(t, backend, place(t, backend))
			victim, wall := peerWithClock(t)
			w.victim = victim
			victim.must(order{Do: "attach", Key: w.key})
			victim.must(order{Do: "publisher", Topic: "x"})
			victim.must(order{Do: "subscribe", Topic: "x"})
			for _, ahead := range []time.Duration{time.Hour, -24 * time.Hour, 100 * year, -60 * year, 0} {
				// A long hold lasts, and what is overwritten is what would have been.
				held := w.put(20_000)
				victim.must(order{Do: "hold", Frame: held, Time: time.Hour})
				victim.Send(order{Do: "next"})
				eventually(t, "asleep", func() bool { return w.topic("x").Wake().Load()&1 != 0 })
				wall.set(t, ahead)
				m := w.publish(5)
				var a answer
				if victim.Recv(&a); a.Err != "" || a.Sequence != m.Sequence {
					t.Errorf("%v ahead: the sleeper was told %+v", ahead, a)
				}
				w.lap()
				if !w.readable(held, 1) {
					t.Errorf("%v ahead: held, and overwritten", ahead)
				}
				victim.must(order{Do: "extend", Time: time.Hour})
				victim.must(order{Do: "release"})

				// A short one ends.
				victim.must(order{Do: "hold", Frame: w.put(20_000), Time: time.Millisecond})
				eventually(t, "the hold is over", func() bool { return w.c.Stats().Held == 0 })
				w.lap()
				if a, err := victim.try(order{Do: "extend", Time: time.Second}); err != nil || !a.Timeout {
					t.Errorf("%v ahead: extended after its end: %+v, %v", ahead, a, err)
				}

				// Its messages have the time that it takes it to be, which shows that it jumped.
				s := w.subscribe("")
				victim.must(order{Do: "publish", Seed: 9, Size: 3000})
				if off := time.Until(w.next(s).Time) - ahead; off.Abs() > limit {
					t.Errorf("%v ahead: its message is %v off", ahead, off)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if a := victim.must(order{Do: "next"}); a.Lost != 0 {
					t.Errorf("%v ahead: %+v", ahead, a)
				}
				f := victim.must(order{Do: "put", Seed: 6, Size: 5000}).Frame
				if !w.readable(f, 6) {
					t.Error("what it wrote cannot be read")
				}
				before := len(clients(w.t, w.c))
				other, err := framebuffer.Attach(w.key, nil)
				if err != nil {
					t.Fatal(err)
				}
				if now := len(clients(w.t, w.c)); now != before+1 {
					t.Errorf("%v ahead: %d slots, then %d", ahead, before, now)
				}
				if err := other.Close(); err != nil {
					t.Error(err)
				}
				w.inOrder()
			}
			victim.must(order{Do: "unsubscribe"})
			w.goesOn()
			victim.Done()
			w.finish()
		})
	}
}
