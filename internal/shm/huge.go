package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// HugePage is the size of a huge page on amd64 and, with 4 KiB pages, on arm64.
const HugePage = 2 << 20

// TransparentFile is the file, below /, that says whether the kernel makes transparent huge pages for
// shared memory.
const TransparentFile = "sys/kernel/mm/transparent_hugepage/shmem_enabled"

// shmHugeTLB is SHM_HUGETLB of <linux/shm.h>.
const shmHugeTLB = 0o4000

// TransparentAllowed reports whether the kernel makes transparent huge pages for shared memory when it is
// asked to, by [TransparentFile] below root.
func TransparentAllowed(root fs.FS) bool {
	b, err := fs.ReadFile(root, TransparentFile)
	return err == nil && !strings.Contains(string(b), "[never]") && !strings.Contains(string(b), "[deny]")
}

// adviseHuge asks for transparent huge pages. It is a hint.
func adviseHuge(mem []byte) { _ = unix.Madvise(mem, unix.MADV_HUGEPAGE) }

func noHugePages(size int64, err error) error {
	return fmt.Errorf("%w: no huge pages for a ring of %d bytes: reserve them (sysctl vm.nr_hugepages=%d; users other than root also need their group in vm.hugetlb_shm_group), or allow transparent ones (echo advise > /%s), or do without: %w",
		fberr.NoMemory, size, (size+HugePage-1)/HugePage, TransparentFile, err)
}

// withPages calls attempt to make the ring with the kind of pages that spec asks for, and returns the
// kind. It does not fall back to small pages: if huge pages were asked for, their lack is an error.
func withPages(spec Spec, attempt func(reserved bool) error) (Pages, error) {
	pages := SmallPages
	if spec.Huge {
		// checkRoom does not know of reserved pages; the kernel fails at once if there are too few.
		err := attempt(true)
		if err == nil {
			return HugePages, nil
		}
		if !TransparentAllowed(os.DirFS("/")) {
			return 0, noHugePages(spec.Ring, err)
		}
		pages = TransparentPages
	}
	if err := checkRoom(spec.Ring); err != nil {
		return 0, err
	}
	return pages, attempt(false)
}

// finish makes all pages of a new segment present.
func (s *Mapping) finish(pages Pages) error {
	if s.Pages = pages; pages == TransparentPages {
		adviseHuge(s.Ring)
	}
	s.excludeFromDumps()
	return errors.Join(populate(s.Control), populate(s.Ring[:len(s.Ring)/2]))
}

// whole returns the spec with the ring's size rounded up to pages of the kind that it asks for.
func (s Spec) whole() Spec {
	if s.Huge {
		s.Ring = (s.Ring + HugePage - 1) / HugePage * HugePage
	}
	return s
}
