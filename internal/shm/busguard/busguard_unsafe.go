//go:build amd64 || arm64

package busguard

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Available reports whether this architecture has a handler.
const Available = true

// entry is what the handler knows of a Watch. The assembly has these offsets.
type entry struct {
	version atomic.Uint64 // 0
	at      [2]area       // 8, 24
	hit     atomic.Uint32 // 40
	taken   bool          // 44, under mu
	_       [16]byte      // 64 bytes in all
}

type area struct{ base, length atomic.Uint64 }

var (
	mu        sync.Mutex
	installed bool
	table     [most]entry
	used      uint32  // entries from here on were never taken
	previous  uintptr //nolint:unused // the assembly goes on with it
)

// most bounds how many there can be at a time.
const most = 4096

// Watch is memory whose faults are caught.
type Watch struct{ entry *entry }

// New watches two areas of shared memory, whole mappings both: when a touch of either finds
// no file behind it, both become zeroes of the process's own, the first before the second.
// It returns ErrFull when too much is watched already.
func New(first, second []byte) (*Watch, error) {
	mu.Lock()
	defer mu.Unlock()
	if err := install(); err != nil {
		return nil, err
	}
	for i := range table {
		e := &table[i]
		if e.taken {
			continue
		}
		e.taken = true
		e.hit.Store(0)
		e.set(first, second)
		if n := uint32(i + 1); n > used {
			atomic.StoreUint32(&used, n)
		}
		return &Watch{e}, nil
	}
	return nil, fmt.Errorf("%w: %d", ErrFull, most)
}

// Hit reports whether the memory was replaced. Without a Watch it was not.
func (w *Watch) Hit() bool { return w != nil && w.entry.hit.Load() != 0 }

// End ends the watch.
//
// Preconditions: called once, while no goroutine uses the memory, before it is unmapped.
func (w *Watch) End() {
	if w == nil {
		return
	}
	mu.Lock()
	defer mu.Unlock()
	w.entry.set(nil, nil)
	w.entry.taken = false
}

func (e *entry) set(areas ...[]byte) {
	e.version.Add(1)
	for i, mem := range areas {
		e.at[i].base.Store(uint64(uintptr(unsafe.Pointer(unsafe.SliceData(mem)))))
		e.at[i].length.Store(uint64(len(mem)))
	}
	e.version.Add(1)
}

// sigaction is the kernel's struct of that name.
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// install puts the handler in front of the one that is there, with the same stack, mask and
// way back: the Go runtime's, which has one for SIGBUS in every program and leaves it alone.
func install() error {
	if installed {
		return nil
	}
	var action sigaction
	if err := rtSigaction(nil, &action); err != nil {
		return err
	}
	const byDefault, ignored = 0, 1
	if action.handler == byDefault || action.handler == ignored || action.flags&saOnStack == 0 {
		return errors.New("busguard: the Go runtime does not handle SIGBUS in this program")
	}
	previous = action.handler
	action.handler = handlerPC()
	if err := rtSigaction(&action, nil); err != nil {
		return err
	}
	installed = true
	return nil
}

const saOnStack = 0x08000000

func rtSigaction(act, old *sigaction) error {
	const maskBytes = 8
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGBUS),
		uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), maskBytes, 0, 0)
	if errno != 0 {
		return fmt.Errorf("busguard: rt_sigaction: %w", errno)
	}
	return nil
}

// handlerPC is where the handler begins.
func handlerPC() uintptr
