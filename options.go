package framebuffer

import "io/fs"

// ServerOptions are for NewServer. The zero value, or nil, means the defaults.
type ServerOptions struct {
	// Backend is how others attach: "sysv" (the default), for all processes of one IPC
	// namespace.
	Backend string

	// Mode is which other users may attach, as for a file: 0600, the default, means the
	// same user only, 0660 the group too. Whoever may attach may read every frame.
	Mode fs.FileMode

	// HugePages makes the ring of pages of 2 MiB: those that the administrator has reserved
	// (vm.nr_hugepages), or else transparent ones where the kernel allows them for shared
	// memory. Where there are neither, NewServer returns ErrNoMemory and says how to get
	// them. The size is rounded up to 2 MiB. Starting, attaching and the first lap take a
	// fraction of the time.
	HugePages bool

	// Name is shown to people who watch the segment; at most 64 bytes of it.
	Name string
}

// ClientOptions are for Attach. The zero value, or nil, means the defaults.
type ClientOptions struct {
	// ReadOnly maps the ring without permission to write: Write and Allocate return
	// ErrReadOnly, and a stray store to a frame faults instead of spoiling it.
	ReadOnly bool

	// Name is shown to people who watch the segment; at most 64 bytes of it. Default: the
	// name of the program.
	Name string
}
