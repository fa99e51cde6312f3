package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/procinfo"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// peer reports about another attached process, as far as this process can see it.
func (m Machine) peer(p monitor.Peer) Result {
	name := "client"
	if p.Server {
		name = "server"
	}
	who := fmt.Sprintf("%q, pid %d", p.Name, p.PID)
	mine := m.namespace("self", "pid")
	switch {
	case p.PIDNS == 0 || mine == 0:
		return good("%s, of a pid namespace that is not known", who).named(name)
	case p.PIDNS != mine:
		who = fmt.Sprintf("%s in pid namespace %d", who, p.PIDNS)
		here := m.search(p)
		if here == 0 {
			return good("%s, which cannot be seen from this one (%d)", who, mine).named(name)
		}
		return m.apart(here, "%s, here %d", who, here).named(name)
	}
	switch alive, err := m.alive(p.PID, p); {
	case err != nil:
		return good("%s, of which nothing can be seen: %v", who, err).named(name)
	case alive:
		return m.apart(p.PID, "%s", who).named(name)
	case p.Server:
		return serverGone(who)
	}
	return good("%s, is gone: the next client takes its slot", who).named(name)
}

// serverGone reports a server that was killed.
func serverGone(who string) Result {
	return bad(Warn, "start a server, and give out its key", "%s, is gone: its clients read what is there, and nothing is written", who).named("server")
}

// alive reports whether a pid of this PID namespace belongs to that process, and not to a later
// one.
func (m Machine) alive(pid int, p monitor.Peer) (bool, error) {
	started, err := procinfo.StartTimeIn(m.Root, pid)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return procinfo.SameStart(started, p.Started), err
}

// search returns the pid in this PID namespace of a process of another one. It returns 0 if the
// process has no pid here, or this process may not read it. Processes of inner namespaces are
// visible here, with a pid for each namespace (NSpid, the innermost last).
func (m Machine) search(p monitor.Peer) int {
	all, err := fs.ReadDir(m.Root, "proc")
	if err != nil {
		return 0
	}
	for _, dir := range all {
		pid, err := strconv.Atoi(dir.Name())
		if err != nil || m.namespace(dir.Name(), "pid") != p.PIDNS {
			continue
		}
		pids, err := m.statusWords(dir.Name(), "NSpid")
		if err != nil || len(pids) == 0 || pids[len(pids)-1] != strconv.Itoa(p.PID) {
			continue
		}
		if alive, err := m.alive(pid, p); err == nil && alive {
			return pid
		}
	}
	return 0
}

// apart adds to a finding the namespaces that a process does not share with this one.
func (m Machine) apart(pid int, finding string, args ...any) Result {
	finding = fmt.Sprintf(finding, args...)
	var others []string
	for _, kind := range []string{"ipc", "mnt", "net", "user", "time"} {
		theirs, mine := m.namespace(strconv.Itoa(pid), kind), m.namespace("self", kind)
		switch {
		case theirs == 0 || mine == 0:
			return good("%s; its namespaces may not be read", finding)
		case theirs == mine:
		case kind == "time":
			return bad(Warn, "run both in one time namespace", "%s, in another time namespace (%d): holds end by a clock that is not the same there", finding, theirs)
		default:
			others = append(others, kind)
		}
	}
	if len(others) > 0 {
		finding += ", with its own " + strings.Join(others, ", ") + " namespace"
	}
	return good("%s", finding)
}
