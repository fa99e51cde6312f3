// Package cgroup reads the limits of this process's control groups, of either version.
package cgroup

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/procinfo"
)

// Limit is one bound that a control group sets.
type Limit struct {
	File string // where it stands, as a path from /
	Max  int64
	Free int64 // how much of it is left, including what the kernel can reclaim

	// Shared is how much of it is shared memory, which is freed when the last process detaches; 0
	// where that is not counted.
	Shared int64
}

// Memory lists the bounds on memory that hold for this process, of which the one with the
// least left binds. An empty list means that there are none that can be read.
func Memory(root fs.FS) ([]Limit, error) {
	return limits(root, "memory", map[version]files{
		v2: {"sys/fs/cgroup", "memory.max", "memory.current", fileCache},
		v1: {"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", fileCache},
	})
}

// Tasks lists the bounds on the number of threads, as Memory does.
func Tasks(root fs.FS) ([]Limit, error) {
	return limits(root, "pids", map[version]files{
		v2: {"sys/fs/cgroup", "pids.max", "pids.current", nil},
		v1: {"sys/fs/cgroup/pids", "pids.max", "pids.current", nil},
	})
}

// Least is the limit of which the least is left; false if there is none.
func Least(all []Limit) (least Limit, found bool) {
	for _, l := range all {
		if !found || l.Free < least.Free {
			least, found = l, true
		}
	}
	return least, found
}

type version int

const (
	v1 version = 1
	v2 version = 2
)

// files are where a controller's bound and use stand.
type files struct {
	mount, bound, use string
	back              func(root fs.FS, dir string) int64 // what of the use the kernel can reclaim
}

// unlimited is about what version 1 reports for no limit. No machine has as much memory.
const unlimited = 1 << 62

// limits reads the bounds of the process's groups and all their ancestors, any of which may
// be the one that binds. In a container a group's path is often that of the host and does not
// exist here; then the mount's root is the container's own group.
func limits(root fs.FS, controller string, where map[version]files) (all []Limit, err error) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("the control groups of this process cannot be read: %w", err)
	}
	for line := range strings.SplitSeq(string(groups), "\n") {
		f := strings.SplitN(line, ":", 3)
		if len(f) != 3 {
			continue
		}
		if f[0] == "0" && f[1] == "" {
			all = append(all, where[v2].upwards(root, f[2])...)
			continue
		}
		for name := range strings.SplitSeq(f[1], ",") {
			if name == controller {
				all = append(all, where[v1].upwards(root, f[2])...)
			}
		}
	}
	return all, nil
}

func (f files) upwards(root fs.FS, group string) (all []Limit) {
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		at := path.Join(f.mount, dir)
		bound, err1 := number(root, path.Join(at, f.bound))
		used, err2 := number(root, path.Join(at, f.use))
		if err1 == nil && err2 == nil && bound < unlimited {
			l := Limit{File: "/" + path.Join(at, f.bound), Max: bound, Free: bound - used}
			if f.back != nil {
				l.Free += f.back(root, at)
				l.Shared = sum(root, at, "shmem")
			}
			l.Free = max(l.Free, 0)
			all = append(all, l)
		}
		if dir == "/" {
			return all
		}
	}
}

// fileCache is the part of a group's use that the kernel can reclaim.
func fileCache(root fs.FS, dir string) int64 { return sum(root, dir, "inactive_file", "active_file") }

// sum adds up parts of a group's use of memory. A part that is not reported counts as 0.
func sum(root fs.FS, dir string, names ...string) (sum int64) {
	stat, err := fs.ReadFile(root, path.Join(dir, "memory.stat"))
	if err != nil {
		return 0
	}
	for _, name := range names {
		if n, ok := procinfo.Field(stat, "total_"+name); ok { // version 1, children included
			sum += n
		} else if n, ok := procinfo.Field(stat, name); ok {
			sum += n
		}
	}
	return sum
}

// number reads a file with one; "max", for no limit, is an error.
func number(root fs.FS, name string) (int64, error) {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}
