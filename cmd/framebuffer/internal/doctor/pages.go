package doctor

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// hugePages checks whether serve --huge-pages works.
func hugePages(m Machine, ring int64) Result {
	reserved, err := m.reservedPages()
	if err != nil {
		return unknown(err)
	}
	if all, err := fs.ReadDir(m.Root, "sys"); err != nil || len(all) == 0 { // settings of transparent pages
		return unknown(fmt.Errorf("/sys is not mounted: %w", cmp.Or(err, fs.ErrNotExist)))
	}
	mayReserved := m.mayUseReserved()
	switch {
	case reserved > 0 && reserved >= ring && mayReserved:
		return good("%s reserved and free", size(reserved))
	case shm.TransparentAllowed(m.Root):
		return good("transparent ones for shared memory (/%s)", shm.TransparentFile)
	case ring == 0:
		return good("none, and no ring is to be made here")
	case reserved > 0 && reserved >= ring:
		return bad(Warn, "put one of this user's groups into sysctl vm.hugetlb_shm_group, or serve --backend memfd",
			"%s reserved and free, but not for this user with sysv; no transparent ones", size(reserved))
	}
	return bad(Warn, "sysctl vm.nr_hugepages="+strconv.FormatInt((ring+shm.HugePage-1)/shm.HugePage, 10)+", or echo advise > /"+shm.TransparentFile+", or do without serve --huge-pages",
		"%s reserved and free, no transparent ones for shared memory", size(reserved))
}

// reservedPages returns the bytes in huge pages of the pool that are free and that no mapping has
// reserved.
func (m Machine) reservedPages() (int64, error) {
	free, err := m.field("proc/meminfo", "HugePages_Free:")
	if err != nil {
		return 0, err
	}
	promised, err := m.field("proc/meminfo", "HugePages_Rsvd:")
	if err != nil {
		return 0, err
	}
	each, err := m.meminfo("Hugepagesize:")
	return max(free-promised, 0) * each, err
}

// mayUseReserved reports whether the kernel permits this user, by a capability or one of its
// groups, to create System V segments in reserved pages.
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

// memlock reports the limit of locked memory. Rings are not locked, so the limit forbids nothing.
func memlock(m Machine, _ int64) Result {
	bound, err := m.resource("Max locked memory")
	if err != nil {
		return unknown(err)
	}
	swap, err := m.meminfo("SwapTotal:")
	if err != nil {
		return unknown(err)
	}
	may := "no limit"
	if bound != noLimit {
		may = size(bound) + " may be locked"
	}
	if swap > 0 {
		return good("%s; rings are not locked, so that swap (%s) can take unused pages", may, size(swap))
	}
	return good("%s; rings are not locked, and there is no swap that would take them", may)
}
