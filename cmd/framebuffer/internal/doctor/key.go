package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// lookAtKey checks a key: where its memory is, whether attaching works, and which other processes
// are attached.
func lookAtKey(m Machine, key string) []Result {
	client, err := framebuffer.Attach(key, &framebuffer.ClientOptions{ReadOnly: true, Name: "framebuffer doctor"})
	if errors.Is(err, framebuffer.ErrBadKey) {
		return []Result{bad(Fail, "copy all of what framebuffer key prints, or serve", "%s", plain(err)).named("key")}
	}
	all := place(m, key)
	if err != nil {
		return append(all, refused(err, len(Failed(all)) > 0))
	}
	defer client.Close()
	others := monitor.Peers(client)
	st := client.Stats()
	all = append(all, cacheFits(m, int64(st.Capacity)).named("L3 cache"))
	all = append(all, good("works: a ring of %s, of %s pages; others attached: %d", size(int64(st.Capacity)), st.Pages, len(others)).named("attach"))
	if doubt := monitor.Doubt(client); doubt != "" {
		all = append(all, bad(Warn, "run the server as this user, or in a directory that is its user's alone, in a user namespace in which it has an id", "%s", doubt).named("authenticity"))
	}
	if !slices.ContainsFunc(others, func(p monitor.Peer) bool { return p.Server }) {
		// A server has a slot from its start to its end. Another client, perhaps this one, gets
		// the slot only if the server is provably gone.
		all = append(all, serverGone(fmt.Sprintf("pid %d", monitor.ServerPID(client))))
	}
	for _, p := range others {
		all = append(all, m.peer(p))
	}
	return all
}

// place reports where a key's memory is. The key is well formed: attaching has parsed it.
func place(m Machine, key string) []Result {
	f := strings.Split(key, "_")
	backend, location := f[1], f[2]
	switch backend {
	case "sysv":
		namespace, _ := shm.SysVNamespace(location) // parsed already
		return []Result{good("sysv: by System V ids, in one IPC namespace").named("key"), sameIPC(m, namespace).named("ipc namespace")}
	case "memfd":
		path, _ := shm.MemfdSocket(location) // parsed already
		return []Result{m.socket(path).named("key"), anyIPC(m, backend)}
	case "file":
		base, _ := shm.FileBase(location) // parsed already
		return []Result{good("file: by the files %q", base+".*").named("key"), anyIPC(m, backend)}
	}
	return []Result{good("%s", backend).named("key")}
}

// socket reports whether another process has removed the socket at which a server listens.
func (m Machine) socket(at string) Result {
	table, err := m.text("proc/net/unix")
	if _, gone := fs.Lstat(m.Root, strings.TrimPrefix(at, "/")); err == nil && missing(gone) && listens(table, at) {
		return bad(Fail, "wait a second: a server makes its socket again; if it does not, look at its log, and start it again",
			"memfd: its server runs, but another process removed its socket %q", at)
	}
	return good("memfd: by the socket %q", at)
}

// listens reports whether a process of this network namespace listens at a path, by the kernel's
// table. The server's end of a connection has the same path, in the client's namespace; the flag
// __SO_ACCEPTCON marks the socket that accepts connections.
func listens(table, at string) bool {
	const flags, accepting = 3, "00010000"
	for line := range strings.Lines(table) {
		if rest, ok := strings.CutSuffix(strings.TrimSuffix(line, "\n"), " "+at); ok {
			if f := strings.Fields(rest); len(f) > flags && f[flags] == accepting {
				return true
			}
		}
	}
	return false
}

// refused reports why attaching failed. placed means that the result about the memory's place says
// why already.
func refused(err error, placed bool) Result {
	remedy := "start the server again" // ErrCorrupt, and other errors
	switch {
	case placed:
		return bad(Fail, "as above", "does not work from here").named("attach")
	case errors.Is(err, framebuffer.ErrPermission):
		remedy = "run as the server's user, or let others in: serve --mode 0660 or 0666"
	case errors.Is(err, framebuffer.ErrNoMemory):
		remedy = "ulimit -v unlimited"
	case errors.Is(err, framebuffer.ErrStaleKey):
		remedy = "get the key of the server that runs now (framebuffer key), and share with it what the key needs: an IPC namespace or a directory"
	}
	return bad(Fail, remedy, "%s", plain(err)).named("attach")
}
