package shm

import "os"

// wellKnown is where processes meet that share a directory and nothing else: containers mount a volume
// there, and systemd makes it for a service (RuntimeDirectory=framebuffer).
const wellKnown = "/run/framebuffer"

// SharedDir is the directory in which servers and clients meet that are told nothing but the
// environment: the one that FRAMEBUFFER_DIR names, or /run/framebuffer where that exists and the
// processes have no XDG_RUNTIME_DIR, as in containers. "" if there is none.
func SharedDir() string {
	if dir := os.Getenv(DirVariable); dir != "" {
		return dir
	}
	if os.Getenv("XDG_RUNTIME_DIR") != "" {
		return ""
	}
	if st, err := os.Lstat(wellKnown); err != nil || !st.IsDir() {
		return ""
	}
	return wellKnown
}

// servesIn reports whether a server that is not told a directory takes the one where processes meet:
// if that is its user's alone to write to.
func servesIn(dir string) bool { return dir == wellKnown && checkOwn(dir) == nil }
