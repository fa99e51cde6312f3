package doctor

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/cgroup"
)

// memory checks whether the machine has the pages, all of which are allocated at start.
func memory(m Machine, ring int64) Result {
	free, err := m.meminfo("MemAvailable:")
	if err != nil {
		return unknown(err)
	}
	if ring > free {
		return bad(Fail, "stop what else uses memory, or serve --size "+atMost(free),
			"%s available (MemAvailable in /proc/meminfo), too little for %s", size(free), ringOf(ring))
	}
	return good("%s available", size(free))
}

// overcommit checks whether the kernel commits to the pages.
func overcommit(m Machine, ring int64) Result {
	mode, err := m.number("proc/sys/vm/overcommit_memory")
	if err != nil {
		return unknown(err)
	}
	const strict = 2
	if mode != strict {
		return good("not strict (vm.overcommit_memory is %d)", mode)
	}
	bound, err := m.meminfo("CommitLimit:")
	if err != nil {
		return unknown(err)
	}
	used, err := m.meminfo("Committed_AS:")
	if err != nil {
		return unknown(err)
	}
	if free := bound - used; ring > free {
		return bad(Fail, "sysctl vm.overcommit_memory=0, or a higher vm.overcommit_ratio, or serve --size "+atMost(free),
			"strict (vm.overcommit_memory is 2): the kernel promises %s more, too little for %s", size(free), ringOf(ring))
	}
	return good("strict (vm.overcommit_memory is 2): the kernel promises %s more", size(bound-used))
}

// controlGroup checks whether the container has the memory: a ring's pages are charged to the
// server's group, whichever process writes to them.
func controlGroup(m Machine, ring int64) Result {
	all, err := cgroup.Memory(m.Root)
	if err != nil {
		return unknown(err)
	}
	least, found := cgroup.Least(all)
	if !found {
		return good("no limit")
	}
	if ring > least.Free {
		return bad(Fail, "start the container with more (podman run --memory=…), or serve --size "+atMost(least.Free),
			"%s, of which %s are left (%s), too little for %s", size(least.Max), size(least.Free), least.File, ringOf(ring))
	}
	return good("%s, of which %s are left (%s)", size(least.Max), size(least.Free), least.File)
}

// addressSpace checks whether a process can map the ring. Each process maps it twice, at
// consecutive addresses.
func addressSpace(m Machine, ring int64) Result {
	bound, err := m.resource("Max address space")
	if err != nil {
		return unknown(err)
	}
	if bound == noLimit {
		return good("no limit")
	}
	used, err := m.field("proc/self/status", "VmSize:")
	if err != nil {
		return unknown(err)
	}
	used <<= 10 // the file's unit is kB
	if free := bound - used; 2*ring > free {
		return bad(Fail, "ulimit -v unlimited, or serve --size "+atMost(free/2),
			"%s, of which %s are left (ulimit -v): %s is mapped twice", size(bound), size(free), ringOf(ring))
	}
	return good("%s, of which %s are left (ulimit -v); a ring is mapped twice", size(bound), size(bound-used))
}

// atMost formats the size to serve with if free bytes are free: a tenth less, because the server
// process needs memory too.
func atMost(free int64) string {
	mib := max(free, 0) / 10 * 9 >> 20
	if mib == 0 {
		return "smaller than 1MiB"
	}
	return fmt.Sprintf("%dMiB", mib)
}
