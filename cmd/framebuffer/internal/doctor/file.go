package doctor

import (
	"strconv"
)

// without is the remedy if a ring cannot be a file.
const without = "or use sysv or memfd, which do without"

// fileWorks checks whether a ring can be a file in the directory for files. Containers have 64 MiB
// in /dev/shm by default; neither sysv nor memfd uses it.
func fileWorks(m Machine, ring int64) Result {
	dir := m.FileDir
	room, err := m.Space(dir)
	if missing(err) {
		return bad(Warn, "mount a tmpfs there (podman run --shm-size=… for /dev/shm, --tmpfs, a volume), name another with --dir, "+without,
			"%s is not there: a ring that is a file there cannot be made", dir)
	}
	if err != nil {
		return unknown(err)
	}
	where := dir + ": " + room.Kind
	switch {
	case !room.Memory:
		return bad(Warn, "name a directory on a tmpfs or hugetlbfs with --dir, "+without, "%s is no memory, and serve refuses it", where)
	case room.ReadOnly:
		return bad(Warn, "mount it for writing, "+without, "%s, mounted read-only: a ring that is a file there cannot be made", where)
	case ring > room.Free:
		return bad(Warn, "podman run --shm-size="+strconv.FormatInt(ring, 10)+" or more, mount -o remount,size=… "+dir+", sizeLimit in Kubernetes, "+without,
			"%s, %s, of which %s are left, too little for %s that is a file there", where, size(room.Total), size(room.Free), ringOf(ring))
	}
	where += ", " + size(room.Total) + ", of which " + size(room.Free) + " are left, " + room.Mode
	if tried := m.tried("file", ring, Warn, "name another directory with --dir, "+without); tried.Status != OK || ring == 0 {
		tried.Finding = where + "; " + tried.Finding
		return tried
	}
	return good("%s; serving a ring of 64 KiB there and attaching to it works", where)
}
