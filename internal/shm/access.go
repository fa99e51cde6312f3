package shm

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// Allow lists users and groups that may attach besides those that the mode permits.
type Allow struct {
	WriteUIDs, WriteGIDs []int // read and write
	ReadUIDs, ReadGIDs   []int // read only
}

func (a Allow) empty() bool {
	return len(a.WriteUIDs)+len(a.WriteGIDs)+len(a.ReadUIDs)+len(a.ReadGIDs) == 0
}

// right is a permission to attach; the values are those of file permissions.
type right uint16

const (
	nothing right = 0
	reading right = 4
	writing right = 6
)

// access decides the rights of each user, as the kernel does for files with access lists. The owner may
// write. A user that is listed has the listed right. A user in one or more groups that have rights has
// the highest of these. All others have the right that the mode gives others.
type access struct {
	mode  fs.FileMode
	users map[int]right
	group map[int]right // besides the owner's own group, whose right is in mode
}

// accessOf returns the access of a spec, or an error if its lists are not valid.
func accessOf(spec Spec) (access, error) {
	a := access{mode: spec.Mode.Perm(), users: map[int]right{}, group: map[int]right{}}
	if a.mode == 0 {
		a.mode = 0o600
	}
	for _, l := range []struct {
		what string
		ids  []int
		into map[int]right
		give right
	}{
		{"user", spec.Allow.WriteUIDs, a.users, writing},
		{"user", spec.Allow.ReadUIDs, a.users, reading},
		{"group", spec.Allow.WriteGIDs, a.group, writing},
		{"group", spec.Allow.ReadGIDs, a.group, reading},
	} {
		for _, id := range l.ids {
			const invalid = 1<<32 - 1 // (uid_t)-1 is not a user
			if id < 0 || id >= invalid {
				return a, fmt.Errorf("framebuffer: %s id %d cannot be let in: ids are 0 to %d", l.what, id, invalid-1)
			}
			if had, ok := l.into[id]; ok && had != l.give {
				return a, fmt.Errorf("framebuffer: %s %d is to be let in for reading only and for writing: list it once", l.what, id)
			}
			l.into[id] = l.give
		}
	}
	return a, nil
}

// byMode returns the right of a class of users in the mode, selected by shift. The permission to write
// without that to read is no right.
func (a access) byMode(shift int) right {
	switch r := right(a.mode>>shift) & writing; r {
	case reading, writing:
		return r
	}
	return nothing
}

// others reports whether any user but the owner may attach.
func (a access) others() bool {
	return a.byMode(3) != nothing || a.byMode(0) != nothing || len(a.users)+len(a.group) > 0
}

// readers reports whether any other user may read and not write.
func (a access) readers() bool {
	only := a.byMode(3) == reading || a.byMode(0) == reading
	for _, list := range []map[int]right{a.users, a.group} {
		for _, r := range list {
			only = only || r == reading
		}
	}
	return only
}

// rights returns the right of a user with these groups.
func (a access) rights(owner, ownersGroup, uid int, gids []int) right {
	if uid == owner {
		return writing
	}
	if r, ok := a.users[uid]; ok {
		return r
	}
	most, counts := nothing, false
	for _, gid := range gids {
		if gid == ownersGroup {
			most, counts = max(most, a.byMode(3)), true
		}
		if r, ok := a.group[gid]; ok {
			most, counts = max(most, r), true
		}
	}
	if counts {
		return most
	}
	return a.byMode(0)
}

// ringMode returns the permission bits of the ring.
func (a access) ringMode() fs.FileMode {
	return fs.FileMode(writing<<6 | a.byMode(3)<<3 | a.byMode(0))
}

// controlMode returns those of the control object, to which readers write their counters.
func (a access) controlMode() fs.FileMode {
	return fs.FileMode(writing<<6 | counting(a.byMode(3))<<3 | counting(a.byMode(0)))
}

// counting returns the right to the control object of a user with that right to the ring.
func counting(r right) right {
	if r == nothing {
		return nothing
	}
	return writing
}

// ids returns the ids of a list, in order.
func ids(list map[int]right) (all []int) {
	for id := range list {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// readOnlyRefused returns the error for a user that may only read and asked to write.
func readOnlyRefused(user, what string) error {
	return fmt.Errorf("%w: %s may only read from %s, and asked to write: attach with ReadOnly, or have the server let it write (--allow-uid, --allow-gid or a wider --mode)",
		fberr.Permission, user, what)
}
