package shm

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// hugePage is the size of a huge page on amd64 and, with 4 KiB pages, on arm64.
const hugePage = 2 << 20

// shmHugeTLB is SHM_HUGETLB of <linux/shm.h>.
const shmHugeTLB = 0o4000

// transparentAllowed reports whether the kernel puts huge pages together for shared memory
// when it is asked to.
func transparentAllowed() bool {
	b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/shmem_enabled")
	return err == nil && !strings.Contains(string(b), "[never]") && !strings.Contains(string(b), "[deny]")
}

// adviseHuge asks for transparent huge pages. It is a hint.
func adviseHuge(mem []byte) { _ = unix.Madvise(mem, unix.MADV_HUGEPAGE) }

func noHugePages(size int64, err error) error {
	return fmt.Errorf("%w: no huge pages for a ring of %d bytes: reserve them (sysctl vm.nr_hugepages=%d; users other than root also need their group in vm.hugetlb_shm_group), or allow transparent ones (echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled), or do without: %w",
		fberr.NoMemory, size, (size+hugePage-1)/hugePage, err)
}
