package shm

import "os"

// wellKnown is the default directory for processes that share only a directory: containers mount a volume
// there, and systemd makes it for a service (RuntimeDirectory=framebuffer).
const wellKnown = "/run/framebuffer"

// SharedDir returns the directory in which servers and clients find each other without options: the one
// that FRAMEBUFFER_DIR names, or /run/framebuffer where the processes have no XDG_RUNTIME_DIR, as in
// containers. It returns "" if there is none, or if users other than its owner may write to it: these
// could put a key of their own there.
func SharedDir() string {
	dir := os.Getenv(DirVariable)
	if dir == "" && os.Getenv("XDG_RUNTIME_DIR") == "" {
		dir = wellKnown
	}
	if dir == "" {
		return ""
	}
	const byOthers = 0o022
	if st, err := os.Stat(dir); err != nil || !st.IsDir() || st.Mode()&byOthers != 0 {
		return ""
	}
	return dir
}

// servesAt returns the shared directory for a server without options, if only this user may write to it,
// and otherwise "".
func servesAt() string {
	if os.Getenv("XDG_RUNTIME_DIR") != "" || checkOwn(wellKnown) != nil {
		return ""
	}
	return wellKnown
}
