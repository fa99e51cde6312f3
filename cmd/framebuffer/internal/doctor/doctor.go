// Package doctor checks what this machine and this container allow: whether a ring of a given size
// can be served here, and whether attaching with a key works. If not, it names a remedy. It removes
// what it creates for its tests, except for the directory of memfd's socket, which serve would
// create too.
package doctor

import (
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
	"github.com/core-framebuffer/framebuffer/internal/liveness"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// Status is the result of a check.
type Status string

// The statuses. Fail means that a server with a ring of that size, or attaching with that key, does
// not work here. Warn means that it works, but something else that a user may want does not.
const (
	OK   Status = "ok"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Result is what one check found.
type Result struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Finding string `json:"finding"`
	Remedy  string `json:"remedy,omitempty"` // only if not OK
}

// Check is one check and its name. ring is the size of the ring that must fit. 0 means that no ring
// will be created here, so that lack of room for one is no problem.
type Check struct {
	Name string
	Look func(m Machine, ring int64) Result
}

// Machine is what checks examine.
type Machine struct {
	Root      fs.FS                           // the files below /
	FileDir   string                          // directory of the files of a ring
	SocketDir string                          // directory of memfd's socket
	Space     func(dir string) (Space, error) // of the file system at a path from /
	Try       func(backend string) error      // serves a small ring and attaches to it
	L3        int                             // bytes of the cache that CPUs share; 0 if unknown
	Deaths    func() error                    // returns nil if the kernel notifies of the death of processes
	Kernel    func() copyhash.Choice          // what copies and hashes
	CPU       func() cpu.Topology
	Ways      []copyhash.Way // to store
	Stores    string         // the environment's
}

// Space is the room in a file system.
type Space struct {
	Total, Free int64
	ReadOnly    bool
	Kind        string // such as tmpfs
	Memory      bool   // all bytes of its files are always in memory
	Mode        string // of the directory, as ls prints it
}

// Here returns the machine, or the container, that this process runs in. dir is the directory of
// sockets and files, or "" for the default of serve.
func Here(dir string) Machine {
	return Machine{
		Root: os.DirFS("/"), FileDir: shm.FileDir(dir), SocketDir: shm.SocketDir(dir), Space: space,
		Try: func(backend string) error { return try(backend, dir) }, Deaths: liveness.Supported,
		L3:     cpu.Here().L3,
		Kernel: copyhash.Decision, CPU: cpu.Here, Ways: copyhash.Ways(), Stores: os.Getenv(copyhash.StoresVariable),
	}
}

// Checks returns all checks, in the order of their results.
func Checks() []Check {
	return []Check{
		{"kernel", kernel},
		{"copying", copying},
		{"stores", stores},
		{"memory", memory},
		{"overcommit", overcommit},
		{"cgroup memory", controlGroup},
		{"address space", addressSpace},
		{"sysv limits", sysvLimits},
		{"sysv", sysvWorks},
		{"memfd", memfdWorks},
		{"file", fileWorks},
		{"ipc namespace", ipcNamespace},
		{"deaths", deaths},
		{"RemoveIPC", removeIPC},
		{"cleaning", cleaning},
		{"L3 cache", cacheFits},
		{"huge pages", hugePages},
		{"memlock", memlock},
		{"descriptors", descriptors},
		{"threads", tasks},
	}
}

// Examine runs all checks, for a ring of that size or for 0. With a key it also attaches: results
// about the key replace those of the same name without one.
func Examine(m Machine, ring int64, key string) []Result {
	var all []Result
	for _, check := range Checks() {
		all = append(all, check.Look(m, ring).named(check.Name))
	}
	if key == "" {
		return all
	}
	ofKey := lookAtKey(m, key)
	all = slices.DeleteFunc(all, func(r Result) bool {
		return slices.ContainsFunc(ofKey, func(k Result) bool { return k.Name == r.Name })
	})
	return append(all, ofKey...)
}

// Failed returns the names of the checks that failed.
func Failed(all []Result) (names []string) {
	for _, r := range all {
		if r.Status == Fail {
			names = append(names, r.Name)
		}
	}
	return names
}

func space(dir string) (Space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Space{}, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return Space{}, err
	}
	block, kind := st.Bsize, st.Type
	return Space{
		Total: int64(st.Blocks) * block, Free: int64(st.Bavail) * block,
		ReadOnly: st.Flags&unix.ST_RDONLY != 0,
		Kind:     shm.FilesystemName(kind), Memory: shm.OfMemory(kind), Mode: info.Mode().String(),
	}, nil
}
