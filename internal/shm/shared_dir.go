package shm

import "os"

// wellKnown is where processes meet that share a directory and nothing else: containers mount a volume
// there, and systemd makes it for a service (RuntimeDirectory=framebuffer).
const wellKnown = "/run/framebuffer"

// SharedDir is the directory in which servers and clients meet that are told nothing but the
// environment: the one that FRAMEBUFFER_DIR names, or /run/framebuffer where the processes have no
// XDG_RUNTIME_DIR, as in containers. "" if there is none, or if users other than its owner may write
// to it, who could put a key of their own there.
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

// servesAt is the directory of a server that was not told one, if that is the one where processes meet:
// it has to be this user's alone. "" if not.
func servesAt() string {
	if os.Getenv("XDG_RUNTIME_DIR") != "" || checkOwn(wellKnown) != nil {
		return ""
	}
	return wellKnown
}
