package shm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// The form in which the kernel takes a POSIX access list (linux/posix_acl_xattr.h).
const (
	aclName    = "system.posix_acl_access"
	aclVersion = 2
	aclOwner   = 0x01
	aclUser    = 0x02
	aclOwnGrp  = 0x04
	aclGroup   = 0x08
	aclMask    = 0x10
	aclOther   = 0x20
	aclNoID    = 1<<32 - 1
)

// list encodes the access in that form, with each right passed through give.
func (a access) list(give func(right) right) []byte {
	b := binary.LittleEndian.AppendUint32(nil, aclVersion)
	add := func(tag uint16, r right, id uint32) {
		b = binary.LittleEndian.AppendUint16(b, tag)
		b = binary.LittleEndian.AppendUint16(b, uint16(r))
		b = binary.LittleEndian.AppendUint32(b, id)
	}
	add(aclOwner, writing, aclNoID)
	for _, id := range ids(a.users) {
		add(aclUser, give(a.users[id]), uint32(id))
	}
	add(aclOwnGrp, give(a.byMode(3)), aclNoID)
	for _, id := range ids(a.group) {
		add(aclGroup, give(a.group[id]), uint32(id))
	}
	add(aclMask, writing, aclNoID)
	add(aclOther, give(a.byMode(0)), aclNoID)
	return b
}

// apply sets these permissions on a file, whatever the umask.
func (a access) apply(f *os.File, control bool) error {
	mode, give := a.ringMode(), func(r right) right { return r }
	if control { // to which readers write their counters
		mode, give = a.controlMode(), counting
	}
	if err := f.Chmod(mode); err != nil {
		return syscallError("fchmod", err)
	}
	return a.applyLists(f, give)
}

func (a access) applyLists(f *os.File, give func(right) right) error {
	if len(a.users)+len(a.group) == 0 {
		return nil
	}
	err := unix.Fsetxattr(int(f.Fd()), aclName, a.list(give), 0)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("its file system keeps no lists of users, as hugetlbfs and kernels without CONFIG_TMPFS_POSIX_ACL do not: use --mode alone, or --backend memfd (%w)", err)
	}
	if err != nil {
		return fmt.Errorf("list the users that may attach: %w", syscallError("fsetxattr", err))
	}
	return nil
}

// Readable makes a file readable for its owner and for the users that may attach with that mode and
// those lists, and for no other user, whatever the file's group was. unlisted is why the lists could
// not be set.
func Readable(f *os.File, mode fs.FileMode, allow Allow) (unlisted, err error) {
	a, err := accessOf(Spec{Mode: mode, Allow: allow})
	if err != nil {
		return nil, err
	}
	read := func(r right) right { return min(r, reading) }
	if err := f.Chown(-1, os.Getegid()); err != nil { // a directory may give its files another group
		return nil, err
	}
	if err := f.Chmod(fs.FileMode(writing<<6 | read(a.byMode(3))<<3 | read(a.byMode(0)))); err != nil {
		return nil, err
	}
	return a.applyLists(f, read), nil
}
