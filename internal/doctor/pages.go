package doctor

import (
	"slices"
	"strconv"
	"strings"
)

// devShm is whether a ring that is a file would fit; containers have 64 MiB there unless
// they are told otherwise. Neither sysv nor memfd uses it.
func devShm(m Machine, ring int64) Result {
	const name = "/dev/shm"
	room, err := m.Space("/dev/shm")
	if missing(err) {
		return bad(Warn, "mount a tmpfs there (podman run --shm-size=…), or use sysv or memfd, which do without",
			"there is none: a ring that is a file there cannot be made").named(name)
	}
	if err != nil {
		return unknown(err).named(name)
	}
	switch {
	case room.ReadOnly:
		return bad(Warn, "mount it for writing, or use sysv or memfd, which do without", "read-only: a ring that is a file there cannot be made").named(name)
	case ring > room.Free:
		return bad(Warn, "podman run --shm-size="+strconv.FormatInt(ring, 10)+" or more, or mount -o remount,size=… /dev/shm, or use sysv or memfd, which do without",
			"%s, of which %s are left, too little for %s that is a file there", size(room.Total), size(room.Free), ringOf(ring)).named(name)
	}
	return good("%s, of which %s are left; sysv and memfd do without", size(room.Total), size(room.Free)).named(name)
}

// hugePages is whether serve --huge-pages works.
func hugePages(m Machine, ring int64) Result {
	const name = "huge pages"
	reserved, err := m.reservedPages()
	if err != nil {
		return unknown(err).named(name)
	}
	const thp = "sys/kernel/mm/transparent_hugepage/shmem_enabled"
	transparent, err := m.text(thp)
	if err != nil && !missing(err) {
		return unknown(err).named(name)
	}
	allowed := err == nil && !strings.Contains(transparent, "[never]") && !strings.Contains(transparent, "[deny]")
	mayReserved := m.mayUseReserved()
	switch {
	case reserved > 0 && reserved >= ring && mayReserved:
		return good("%s reserved and free", size(reserved)).named(name)
	case allowed:
		return good("transparent ones for shared memory (/%s)", thp).named(name)
	case ring == 0:
		return good("none, and no ring is to be made here").named(name)
	case reserved > 0 && reserved >= ring:
		return bad(Warn, "put one of this user's groups into sysctl vm.hugetlb_shm_group, or serve --backend memfd",
			"%s reserved and free, but not for this user with sysv; no transparent ones", size(reserved)).named(name)
	}
	const pageSize = 2 << 20
	return bad(Warn, "sysctl vm.nr_hugepages="+strconv.FormatInt((ring+pageSize-1)/pageSize, 10)+", or echo advise > /"+thp+", or do without serve --huge-pages",
		"%s reserved and free, no transparent ones for shared memory", size(reserved)).named(name)
}

// reservedPages are the bytes in reserved huge pages that are free and promised to nobody.
func (m Machine) reservedPages() (int64, error) {
	free, err := m.meminfo("HugePages_Free:")
	if err != nil {
		return 0, err
	}
	promised, err := m.meminfo("HugePages_Rsvd:")
	if err != nil {
		return 0, err
	}
	each, err := m.meminfo("Hugepagesize:")
	// The two counts went through meminfo as if they were kB.
	return max(free-promised, 0) >> 10 * each, err
}

// mayUseReserved reports whether the kernel lets this user make System V segments of reserved
// pages: by the capability, or by one of its groups.
func (m Machine) mayUseReserved() bool {
	if caps, err := m.statusWords("self", "CapEff"); err == nil && len(caps) == 1 {
		const ipcLock = 14
		if bits, err := strconv.ParseUint(caps[0], 16, 64); err == nil && bits>>ipcLock&1 == 1 {
			return true
		}
	}
	group, err := m.text("proc/sys/vm/hugetlb_shm_group")
	if err != nil {
		return false
	}
	var mine []string
	for _, which := range []string{"Gid", "Groups"} {
		if words, err := m.statusWords("self", which); err == nil {
			mine = append(mine, words...)
		}
	}
	return slices.Contains(mine, group)
}

// memlock tells what may be locked. Rings are not: the limit forbids nothing.
func memlock(m Machine, _ int64) Result {
	const name = "memlock"
	bound, err := m.resource("Max locked memory")
	if err != nil {
		return unknown(err).named(name)
	}
	swap, err := m.meminfo("SwapTotal:")
	if err != nil {
		return unknown(err).named(name)
	}
	may := "no limit"
	if bound != noLimit {
		may = size(bound) + " may be locked"
	}
	if swap > 0 {
		return good("%s; rings are not locked, so that swap (%s) can take pages that nobody touches", may, size(swap)).named(name)
	}
	return good("%s; rings are not locked, and there is no swap that would take them", may).named(name)
}
