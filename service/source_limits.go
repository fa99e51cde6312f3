package service

import (
	"fmt"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/cgroup"
)

// room bounds how much of one kind a server does for askers at a time: for all of them, and for
// each, so that one of them leaves room for others.
type room struct {
	what       string // of which there is so much
	most, each int

	mu  sync.Mutex
	all int
	by  map[string]int
}

// share is the part of the room that one asker may have.
const share = 4

func newRoom(what string, most int) *room {
	return &room{what: what, most: most, each: max(most/share, 1), by: map[string]int{}}
}

// take takes a place for an asker until leave is called, or returns ErrBusy.
func (r *room) take(asker string) (leave func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all >= r.most {
		return nil, fmt.Errorf("%w: %d %s already, and there may be %d: ask for less at a time, or later", ErrBusy, r.all, r.what, r.most)
	}
	if r.by[asker] >= r.each {
		return nil, fmt.Errorf("%w: %d %s for this asker already, and each may have %d: ask for less at a time, or later", ErrBusy, r.by[asker], r.what, r.each)
	}
	r.all++
	r.by[asker]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all--
		if r.by[asker]--; r.by[asker] == 0 {
			delete(r.by, asker)
		}
	}, nil
}

const (
	// maxMirrors is how many streams of topics a server keeps up at a time, if this process may
	// have four times as many threads; otherwise it is a quarter of those, and leastMirrors at
	// least.
	maxMirrors   = 1024
	leastMirrors = 4
)

// mostMirrors is how many streams there may be: even if each took a thread, the process would
// have some left.
func mostMirrors(root fs.FS) int {
	most := uint64(4 * maxMirrors)
	var threads unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &threads); err == nil {
		most = min(most, threads.Cur) // all bits are set where there is no limit
	}
	groups, _ := cgroup.Tasks(root) // without /proc the other limit is what is known
	for _, l := range groups {
		most = min(most, uint64(max(l.Max, 0)))
	}
	return max(int(most)/4, leastMirrors)
}
