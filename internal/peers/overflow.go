package peers

import (
	"bufio"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Overflow are the ids that the kernel shows, in this user namespace, in place of every user and
// every group that has no id in it: each stands for many. An id is -1 where every user, or every
// group, has an id of its own, as outside of all user namespaces.
type Overflow struct{ UID, GID int }

// Overflowing returns these ids. Without /proc they are the kernel's defaults.
func Overflowing() Overflow { return overflowing(os.DirFS("/")) }

func overflowing(root fs.FS) Overflow {
	one := func(kind string) int {
		if complete(root, "proc/self/"+kind+"_map") {
			return -1
		}
		const usual = 65534
		text, err := fs.ReadFile(root, "proc/sys/kernel/overflow"+kind)
		if id, bad := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && bad == nil {
			return id
		}
		return usual
	}
	return Overflow{UID: one("uid"), GID: one("gid")}
}

// complete reports whether a map of ids has a place for every id, of which there are 2^32-1.
func complete(root fs.FS, name string) bool {
	f, err := root.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	var ids uint64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 { // first inside, first outside, how many
			n, _ := strconv.ParseUint(fields[2], 10, 32)
			ids += n
		}
	}
	return ids == 1<<32-1
}

// Trusted reports whether a user is this process's own or root. The overflow id belongs to no user,
// also where this process has it.
func Trusted(uid int) bool {
	return (uid == 0 || uid == os.Geteuid()) && uid != Overflowing().UID
}
