package shm

import (
	"encoding/binary"
	"errors"
	"fmt"
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

// list is the access as such a list. For a control object, who may read may also write.
func (a access) list(control bool) []byte {
	give := func(r right) right {
		if control {
			return counting(r)
		}
		return r
	}
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

// apply gives a file these permissions, whatever the umask.
func (a access) apply(f *os.File, control bool) error {
	mode := a.ringMode()
	if control {
		mode = a.controlMode()
	}
	if err := f.Chmod(mode); err != nil {
		return refused("fchmod", err)
	}
	if len(a.users)+len(a.group) == 0 {
		return nil
	}
	err := unix.Fsetxattr(int(f.Fd()), aclName, a.list(control), 0)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("its file system keeps no lists of users, as hugetlbfs and kernels without CONFIG_TMPFS_POSIX_ACL do not: use --mode alone, or --backend memfd (%w)", err)
	}
	if err != nil {
		return fmt.Errorf("list the users that may attach: %w", refused("fsetxattr", err))
	}
	return nil
}
