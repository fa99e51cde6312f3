package framebuffer

import (
	"fmt"
	"io/fs"
	"log/slog"
	"math/bits"
	"os"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// ServerOptions are for NewServer. The zero value, or nil, means the defaults.
type ServerOptions struct {
	// Backend is how others attach: "memfd" (the default), for all processes that can reach a
	// Unix socket in Dir, in any namespaces, and for those of the server's user in its network
	// namespace; "sysv", for all processes of one IPC namespace; or "file", for all that can
	// open files in Dir, which is on a tmpfs or on hugetlbfs.
	Backend string

	// Dir is the directory of memfd's socket and of file's files, and is made if there is
	// none. Default: the environment's FRAMEBUFFER_DIR; or, for memfd, framebuffer in its
	// XDG_RUNTIME_DIR, or framebuffer-UID in the directory for temporary files; for file,
	// /dev/shm. Clients look in the same place, or in the directory that FRAMEBUFFER_DIR names.
	Dir string

	// Mode is which other users may attach, as for a file: 0600, the default, means the
	// same user only, 0660 the group too, 0666 all users. 0640 and 0644 let them attach with
	// ReadOnly alone. Every user that may attach may read every frame.
	Mode fs.FileMode

	// AllowUIDs and AllowGIDs are users and groups that may attach beside those that Mode
	// admits. Those of ReadUIDs and ReadGIDs may attach with ReadOnly alone. A user that is listed
	// has what is listed, whatever its groups; a member of groups has the most that one of them
	// gives. With sysv there are no lists: NewServer returns an error.
	AllowUIDs, AllowGIDs []int
	ReadUIDs, ReadGIDs   []int

	// HugePages makes the ring of pages of 2 MiB: those that the administrator has reserved
	// (vm.nr_hugepages), or else transparent ones where the kernel allows them for shared
	// memory. Where there are neither, NewServer returns ErrNoMemory and says how to get
	// them. The size is rounded up to 2 MiB. Starting, attaching and the first lap take a
	// fraction of the time.
	HugePages bool

	// HoldLimit is how many bytes of the ring may be held at a time, headers included.
	// Default: half the ring. With more, holds can leave so little room that Allocate fails.
	HoldLimit int64

	// Topics is how many topics the segment can have, at most 65,536. Default: 128.
	Topics int

	// TopicDepth is how many frames each topic remembers, rounded up to a power of two, at
	// most 65,536. Default: 256. A subscriber that is further behind loses frames, as it does
	// when the ring has reused them.
	TopicDepth int

	// Monitors show Name; at most 64 bytes of it.
	Name string

	// Logger is told when another process takes away what clients find the server by: memfd's
	// socket, which the server then makes anew, or file's files, which it cannot. Default: none.
	Logger *slog.Logger
}

// plan checks the options and returns what of them goes into the control object.
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

// ClientOptions are for Attach. The zero value, or nil, means the defaults.
type ClientOptions struct {
	// ReadOnly maps the ring without permission to write: Write and Allocate return
	// ErrReadOnly, and a stray store to a frame faults instead of spoiling it.
	ReadOnly bool

	// Unverified makes View and Hold hand out bytes without hashing them first, so that they
	// cost the same whatever the frame's size. What remains is the proof that the ring had
	// not reused the chunk; that no writer stored other bytes there is then a matter of trust.
	Unverified bool

	// MaxFrame is how many bytes a frame may have that Read and Get copy into memory of this
	// process's own: descriptors, and rings, may come from anywhere. For a larger one they return
	// ErrTooLarge. Default: what the machine, the control group and ulimit leave at that moment, and
	// ErrNoMemory for more. Reading in place takes no memory and has no limit.
	MaxFrame int

	// Monitors show Name; at most 64 bytes of it. Default: the
	// name of the program.
	Name string

	// Unlisted takes no client slot, so that attaching changes nothing of what others see. It
	// is for monitors: monitors show neither the client nor its subscriptions, and
	// its reads are counted in the sums of clients without a slot.
	Unlisted bool

	// Logger is warned when it is not known which user's server this is: where memfd's server, or
	// the owner of its socket's directory, has no id in this user namespace, and in a directory in
	// which every user may have a socket. Then a process of another user may have taken the place
	// of the server. Default: none.
	Logger *slog.Logger
}
