package remote

import (
	"fmt"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/cgroup"
)

// limiter limits how much of one kind a source does at a time: for all requesters together, and for
// each, so that one requester leaves room for others.
type limiter struct {
	what           string // is limited, for the errors
	total, forEach int

	mu          sync.Mutex
	all         int
	byRequester map[string]int
}

// requesterShare is the part of the total that one requester may have: a quarter.
const requesterShare = 4

func newLimiter(what string, total int) *limiter {
	return &limiter{what: what, total: total, forEach: max(total/requesterShare, 1), byRequester: map[string]int{}}
}

// enter counts one more for a requester until leave is called, or returns [ErrBusy].
func (l *limiter) enter(requester string) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.total {
		return nil, fmt.Errorf("%w: %d %s already, and there may be %d: ask for less at a time, or later", ErrBusy, l.all, l.what, l.total)
	}
	if n := l.byRequester[requester]; n >= l.forEach {
		return nil, fmt.Errorf("%w: %d %s for this asker already, and each may have %d: ask for less at a time, or later", ErrBusy, n, l.what, l.forEach)
	}
	l.all++
	l.byRequester[requester]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all--
		if l.byRequester[requester]--; l.byRequester[requester] == 0 {
			delete(l.byRequester, requester)
		}
	}, nil
}

const (
	// mostStreams is how many streams of topics a source sends at a time, if this process may have
	// four times as many threads. Otherwise it is a quarter of those, but at least fewestStreams.
	mostStreams   = 1024
	fewestStreams = 4
)

// maxStreams returns how many streams of topics a source may send at a time: even if each took a
// thread, the process would have some left.
func maxStreams(root fs.FS) int {
	threads := uint64(4 * mostStreams)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &limit); err == nil {
		threads = min(threads, limit.Cur) // all bits are set without a limit
	}
	groups, _ := cgroup.Tasks(root) // without /proc, the other limit alone counts
	for _, g := range groups {
		threads = min(threads, uint64(max(g.Max, 0)))
	}
	return max(int(threads)/4, fewestStreams)
}
