package liveness

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// robustHead is struct robust_list_head of linux/futex.h.
type robustHead struct {
	list    robustEntry
	offset  int64 // from an entry to its futex word
	pending uintptr
}

// robustEntry is struct robust_list: the address of the next entry, or of the head. The kernel
// alone follows it.
type robustEntry struct{ next atomic.Uintptr }

// thread is an OS thread that sleeps for as long as the process lives, and its robust list.
// Go's collector does not move the head.
type thread struct {
	tid  uint32
	head *robustHead

	mu    sync.Mutex
	root  node // of the circle of nodes; its entry is the head's
	count int
}

// node is this process's own record of an entry, so that nothing is ever read back from the list.
type node struct {
	thread     *thread
	entry      *robustEntry
	prev, next *node
}

// startThread starts a thread and registers an empty list for it.
func startThread() (*thread, error) {
	t := &thread{head: &robustHead{offset: layout.LifeDistance}}
	t.root = node{thread: t, entry: &t.head.list}
	t.root.prev, t.root.next = &t.root, &t.root
	t.head.list.next.Store(t.root.address())
	started := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the process and with nothing else.
		runtime.LockOSThread()
		t.tid = uint32(unix.Gettid())
		err := setRobustList(t.head)
		started <- err
		if err == nil {
			select {}
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("set_robust_list, by which the kernel tells of a process's death, is refused here: %w", err)
	}
	return t, nil
}

// setRobustList registers the list for the calling thread. glibc registers one of its own for each
// thread that it starts, for its robust mutexes, of which this thread holds none.
func setRobustList(head *robustHead) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SET_ROBUST_LIST, uintptr(unsafe.Pointer(head)), unsafe.Sizeof(*head), 0); errno != 0 {
		return errno
	}
	return nil
}

func (t *thread) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count >= perThread
}

// link puts the entry of a life word into the list, at its end if the word may fault.
func (t *thread) link(word *atomic.Uint32, mayFault bool) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	n := &node{thread: t, entry: (*robustEntry)(unsafe.Add(unsafe.Pointer(word), -layout.LifeDistance))}
	n.prev = &t.root
	if mayFault {
		n.prev = t.root.prev
	}
	n.next = n.prev.next
	n.entry.next.Store(n.next.address()) // before the list leads to it
	n.prev.entry.next.Store(n.address())
	n.prev.next, n.next.prev = n, n
	return n
}

// unlink takes an entry out of the list.
func (t *thread) unlink(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count--
	n.prev.entry.next.Store(n.next.address())
	n.prev.next, n.next.prev = n.next, n.prev
}

// address is what the kernel follows.
func (n *node) address() uintptr { return uintptr(unsafe.Pointer(n.entry)) }
