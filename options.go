package framebuffer

import (
	"fmt"
	"io/fs"
	"log/slog"
	"math/bits"
	"os"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// ServerOptions are for [NewServer]. The zero value, or nil, means the defaults.
type ServerOptions struct {
	// Backend decides which processes can attach: with "memfd" (the default), all that can reach a
	// Unix socket in Dir, in any namespaces, and all of the server's user in its network namespace;
	// with "sysv", all in one IPC namespace; with "file", all that can open files in Dir, which is
	// on a tmpfs or on hugetlbfs.
	Backend string

	// Dir is the directory of the socket (memfd) or of the files (file). NewServer creates it if it
	// does not exist. Default: $FRAMEBUFFER_DIR if that is set; otherwise, for memfd,
	// $XDG_RUNTIME_DIR/framebuffer, or framebuffer-UID in the directory for temporary files, and
	// for file, /dev/shm. Clients look in the same place, or in the directory that FRAMEBUFFER_DIR
	// names.
	Dir string

	// Mode decides which users may attach, as for a file: 0600, the default, means the server's
	// user only, 0660 its group too, 0666 all users. With 0640 and 0644 the group, or all users,
	// may attach with [ClientOptions.ReadOnly] only. Each user that may attach may read all frames.
	Mode fs.FileMode

	// AllowUIDs and AllowGIDs are users and groups that may attach in addition to those that Mode
	// admits. Users and groups in ReadUIDs and ReadGIDs may attach with [ClientOptions.ReadOnly]
	// only. If a user is listed, its groups do not count; a member of several listed groups has the
	// widest access that one of them gives. The sysv backend has no lists: NewServer returns an
	// error.
	AllowUIDs, AllowGIDs []int
	ReadUIDs, ReadGIDs   []int

	// HugePages allocates the ring in pages of 2 MiB: those that the administrator has reserved
	// (vm.nr_hugepages), or transparent ones if the kernel allows them for shared memory. If
	// neither are available, NewServer returns [ErrNoMemory] with the remedy. The size is rounded
	// up to 2 MiB. Starting, attaching and the first lap take a fraction of the time.
	HugePages bool

	// HoldLimit is how many bytes of the ring may be held at a time, headers included. Default:
	// half the ring. With more, holds can leave too little room for [Client.Allocate], which then
	// fails.
	HoldLimit int64

	// Topics is how many topics the segment can have, at most 65,536. Default: 128.
	Topics int

	// TopicDepth is how many frames each topic remembers, rounded up to a power of two, at most
	// 65,536. Default: 256. A subscriber with a larger lag loses frames, as it does if the ring has
	// overwritten them.
	TopicDepth int

	// Name is the name that monitors show, at most 64 bytes of it.
	Name string

	// Logger receives a record when another process removes what clients need to find the server:
	// the socket (memfd), which the server then creates again, or the files (file), which it cannot
	// restore. It also receives a warning if FRAMEBUFFER_KERNEL names no kernel that this machine has.
	// Default: nothing is logged.
	Logger *slog.Logger
}

// plan checks the options and returns those that are stored in the control object.
func (o *ServerOptions) plan() (layout.Identity, error) {
	id := layout.Identity{
		ServerPID:   os.Getpid(),
		CreatedWall: time.Now().UnixNano(),
		CreatedMono: clock.New().Now(),
		HoldLimit:   uint64(o.HoldLimit),
		Topics:      o.Topics,
		TopicDepth:  o.TopicDepth,
	}
	if id.Topics == 0 {
		id.Topics = layout.DefaultTopics
	}
	if id.TopicDepth == 0 {
		id.TopicDepth = layout.DefaultTopicDepth
	}
	switch {
	case o.HoldLimit < 0:
		return id, fmt.Errorf("%w: a hold limit of %d bytes; it has at least 0, which means half the ring", ErrBadSize, o.HoldLimit)
	case id.Topics < 1 || id.Topics > layout.MaxTopics:
		return id, fmt.Errorf("%w: room for %d topics; there can be 1 to %d", ErrBadSize, o.Topics, layout.MaxTopics)
	case id.TopicDepth < 1 || id.TopicDepth > layout.MaxTopicDepth:
		return id, fmt.Errorf("%w: topics that remember %d frames; they can remember 1 to %d", ErrBadSize, o.TopicDepth, layout.MaxTopicDepth)
	}
	id.TopicDepth = 1 << bits.Len(uint(id.TopicDepth-1))
	return id, nil
}

// ClientOptions are for [Attach]. The zero value, or nil, means the defaults.
type ClientOptions struct {
	// ReadOnly maps the ring without permission to write: Write and Allocate return [ErrReadOnly],
	// and a stray store to a frame faults instead of damaging it.
	ReadOnly bool

	// Unverified makes View and Hold return bytes without hashing them first, so that they cost the
	// same for all frame sizes. They still prove that the ring has not overwritten the chunk, but
	// do not detect a writer that stored other bytes there.
	Unverified bool

	// MaxFrame is the largest frame, in bytes, that Read and Get copy into this process's own
	// memory: descriptors and rings may come from untrusted sources. For a larger frame they return
	// [ErrTooLarge]. Default: what the machine, the control group and ulimit leave at that moment,
	// with [ErrNoMemory] for more. Reading in place takes no memory and has no limit.
	MaxFrame int

	// Name is the name that monitors show, at most 64 bytes of it. Default: the program's name.
	Name string

	// Unlisted makes the client take no slot, so that attaching changes nothing that other
	// processes see. It is for monitors: they show neither the client nor its subscriptions, and
	// its reads are counted in the sums of clients without a slot.
	Unlisted bool

	// Logger receives a warning if the client cannot tell which user runs the server, so that
	// another user's process may have taken the server's place. This is so if the memfd server, or
	// the owner of its socket's directory, has no id in this user namespace, and in a directory in
	// which all users may create sockets. It also receives a warning if FRAMEBUFFER_KERNEL names no
	// kernel that this machine has. Default: nothing is logged.
	Logger *slog.Logger
}

// warnOfKernel logs that FRAMEBUFFER_KERNEL has no effect, if that is so: no program ends for it.
func warnOfKernel(log *slog.Logger) {
	if log == nil {
		return
	}
	if err := copyhash.CheckVariable(); err != nil {
		log.Warn("frames are copied with the default kernel", "reason", err)
	}
}
