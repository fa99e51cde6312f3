package copyhash

import (
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// The race between two kernels copies frames of frameSize, each followed by an atomic addition as
// that of the next allocation, which waits for the frame's stores: the copies alone differ less.
const (
	frameSize = 4 << 10
	chunkSize = frameSize + stripeSize
	heat      = 4                      // frames in a row of one kernel
	leastLaps = 7                      // heats of each without which a race decides nothing
	longest   = 400 * time.Microsecond // of the copies
)

// race times the kernels in turns and returns how long each of their heats took, in ns.
func race(a, b Kernel) (ofA, ofB []int64) {
	l2 := cpu.Here().L2 // 0 if not known
	n := min(max(2*l2, 2<<20), 4<<20)
	memory, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, nil
	}
	defer func() { _ = unix.Munmap(memory) }() // its only error is a wrong argument
	// Without it (before Linux 5.14) the copies bring the pages in, and the race is unclear.
	_ = unix.Madvise(memory, unix.MADV_POPULATE_WRITE)

	var head atomic.Uint64
	src := make([]byte, frameSize)
	run := func(k Kernel, at int) int64 {
		begin := time.Now()
		for i := range heat {
			k.copyIn(memory[at+i*chunkSize+stripeSize:], src, func() bool { return true }, leadingOn)
			head.Add(chunkSize)
		}
		return int64(time.Since(begin))
	}
	begin := time.Now()
	for at := 0; at+2*heat*chunkSize <= len(memory) && time.Since(begin) < longest; at += 2 * heat * chunkSize {
		if len(ofA)%2 == 0 {
			ofA = append(ofA, run(a, at))
			ofB = append(ofB, run(b, at+heat*chunkSize))
		} else {
			ofB = append(ofB, run(b, at))
			ofA = append(ofA, run(a, at+heat*chunkSize))
		}
	}
	return ofA, ofB
}

// clearlyFaster says whether the first median is below three quarters of the second. Where it
// matters one kernel takes half the time of the other; without a difference two processes of one machine
// seldom differ so much by chance.
func clearlyFaster(a, b []int64) bool {
	if len(a) < leastLaps || len(b) < leastLaps {
		return false
	}
	return 4*middle(a) < 3*middle(b)
}

func middle(all []int64) int64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}
