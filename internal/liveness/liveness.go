// Package liveness makes the death of a process a fact that the kernel writes into shared memory.
//
// A life word is a robust futex (set_robust_list(2); the kernel's
// Documentation/locking/robust-futex-ABI.rst). While a process is attached to a segment, its word
// holds the id of one of its threads, which has the word in its robust list. When that thread ends,
// which it does only with its process, the kernel walks the list and sets [layout.LifeDied] in
// each word that still holds the thread's id: after SIGKILL, after a crash, after exit and exec,
// in any PID namespace. A stopped process is alive.
//
// # Words and their order
//
// A list is made of entries in private memory, each one layout.LifeDistance bytes in front of its
// word: a list has one such distance for all its entries. So the kernel never follows a pointer
// that another process can write, and what another process stores in the word can at worst make
// this process look dead or alive.
//
// [Hold] links the entry first and stores the thread's id afterwards; [Word.Release] stores 0
// first and unlinks afterwards. A process that is killed between the two leaves an entry whose
// word does not hold its id: the kernel passes over it. The list is linked and unlinked by single
// stores, so the kernel finds it whole at any instant.
//
// Where the kernel or a seccomp filter refuses set_robust_list the word is [layout.LifeUnknown],
// which says only that the slot is taken.
package liveness

import (
	"os"
	"sync"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Word is a life word that this process holds.
type Word struct {
	word  *atomic.Uint32
	value uint32
	pid   int
	node  *node // nil where liveness is not known
	once  sync.Once
}

// Hold changes a life word from old to a thread's id of this process, or to layout.LifeUnknown,
// and reports whether the word was old. The word dies with this process from then on.
//
// mayFault says that other processes can take the memory behind the word away, as they can
// shorten a file. The kernel ends its walk at such a word, so these words come last in the list.
//
// Preconditions: the layout.LifeDistance bytes in front of the word's control object are private
// memory of this process, and stay so until Release; and Hold is not called for a word of this
// mapping that is held already, or by two goroutines at the same time: a word has one entry.
func Hold(word *atomic.Uint32, old uint32, mayFault bool) (*Word, bool) {
	w := &Word{word: word, value: layout.LifeUnknown, pid: os.Getpid()}
	if n, err := all.link(word, mayFault); err == nil {
		w.value, w.node = n.thread.tid, n
	}
	failpoint.Hit(failpoint.LifeLinked)
	if !word.CompareAndSwap(old, w.value) {
		w.unlink()
		return nil, false
	}
	return w, true
}

// Release makes the word 0. It does nothing in the child of a fork, which does not own the word,
// nor when it is called again.
func (w *Word) Release() {
	if w == nil || w.pid != os.Getpid() {
		return
	}
	w.once.Do(func() {
		w.word.CompareAndSwap(w.value, 0)
		failpoint.Hit(failpoint.LifeCleared)
		w.unlink()
	})
}

func (w *Word) unlink() {
	if w.node != nil {
		w.node.thread.unlink(w.node)
	}
}

// Supported returns nil where the kernel tells of this process's death, and otherwise the error
// of the system call that it refused.
func Supported() error {
	all.mu.Lock()
	defer all.mu.Unlock()
	_, err := all.thread()
	return err
}

// all are this process's threads. They are a global, as the sleepers of package sleep are: a robust
// list belongs to a thread, and one thread serves all segments that a process is attached to.
var all threads

// threads are threads with robust lists, each of some perThread entries. A thread is started when
// a word needs one and lives to the end of the process: so does its list's head, which started
// keeps reachable, since the kernel reads it then.
type threads struct {
	mu      sync.Mutex
	pid     int // of the process that has these threads: the child of a fork has none of them
	started []*thread
	refused error
}

// perThread is how many entries one thread has: the kernel walks 2048 at most (ROBUST_LIST_LIMIT).
const perThread = 1024

// link puts the entry of a life word into the list of a thread that has room.
func (a *threads) link(word *atomic.Uint32, mayFault bool) (*node, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, err := a.thread()
	if err != nil {
		return nil, err
	}
	return t.link(word, mayFault), nil
}

// thread returns a thread with room in its list.
//
// Preconditions: a.mu is locked, and stays so until the room is used.
func (a *threads) thread() (*thread, error) {
	if pid := os.Getpid(); a.pid != pid {
		a.pid, a.started, a.refused = pid, nil, nil
	}
	if a.refused != nil {
		return nil, a.refused
	}
	for _, t := range a.started {
		if !t.full() {
			return t, nil
		}
	}
	t, err := startThread()
	if err != nil {
		a.refused = err
		return nil, err
	}
	a.started = append(a.started, t)
	return t, nil
}
