package doctor

import (
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// stat is a /proc/PID/stat of a process that started then.
func stat(started string) string {
	return "7 (a) name) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 " + started + " 20\n"
}

// namespaces are those of a process, equal to this one's but for what is given.
func namespaces(pid string, others changes) changes {
	c := changes{}
	for name, link := range healthy() {
		if kind, ok := strings.CutPrefix(name, "proc/self/ns/"); ok {
			c["proc/"+pid+"/ns/"+kind] = link
		}
	}
	for kind, link := range others {
		c["proc/"+pid+"/ns/"+kind] = link
	}
	return c
}

func with(a changes, more changes) changes {
	for name, text := range more {
		a[name] = text
	}
	return a
}

func TestPeer(t *testing.T) {
	const ours, inner = 4026531836, 4026532111
	innerPID := "->pid:[4026532111]"
	for name, c := range map[string]struct {
		peer monitor.Peer
		expected
	}{
		"here": {peerOf("cam", false, 7, ours, 42), expected{
			with(namespaces("7", nil), changes{"proc/7/stat": stat("42")}), 0, OK, `"cam", pid 7`, "",
		}},
		"in a container without its own pids": {peerOf("cam", true, 7, ours, 42), expected{
			with(namespaces("7", changes{"ipc": "->ipc:[5]", "net": "->net:[6]"}), changes{"proc/7/stat": stat("42")}), 0, OK,
			`"cam", pid 7, with its own ipc, net namespace`, "",
		}},
		"not to be looked at": {peerOf("cam", false, 7, ours, 42), expected{
			changes{"proc/7/stat": stat("42")}, 0, OK, "may not be read", "",
		}},
		"by another clock": {peerOf("cam", false, 7, ours, 42), expected{
			with(namespaces("7", changes{"time": "->time:[9]"}), changes{"proc/7/stat": stat("42")}), 0, Warn, "time namespace (9)", "one time namespace",
		}},
		"gone":                  {peerOf("cam", false, 7, ours, 42), expected{nil, 0, OK, "is gone: the next client takes its slot", ""}},
		"gone, its pid reused":  {peerOf("cam", false, 7, ours, 42), expected{changes{"proc/7/stat": stat("53")}, 0, OK, "is gone", ""}},
		"a server that is gone": {peerOf("cam", true, 7, ours, 42), expected{nil, 0, Warn, `"cam", pid 7, is gone`, "start a server"}},
		"no stat":               {peerOf("cam", false, 7, ours, 42), expected{changes{"proc/7/stat": "7"}, 0, OK, "nothing can be seen", ""}},
		"unknown namespace":     {peerOf("cam", false, 7, 0, 42), expected{nil, 0, OK, "not known", ""}},
		"own one is unknown":    {peerOf("cam", false, 7, ours, 42), expected{changes{"proc/self/ns/pid": "-"}, 0, OK, "not known", ""}},
		"further in": {peerOf("cam", false, 1, inner, 42), expected{with(with(
			namespaces("31", changes{"pid": innerPID}), // another of that namespace
			namespaces("30", changes{"pid": innerPID, "mnt": "->mnt:[8]"})), changes{
			"proc/31/status": "NSpid:\t31\t2\n", "proc/31/stat": stat("42"),
			"proc/30/status": "Name:\tx\nNSpid:\t30\t1\n", "proc/30/stat": stat("42"),
		}), 0, OK, `pid 1 in pid namespace 4026532111, here 30, with its own mnt namespace`, ""}},
		"further in, another since": {peerOf("cam", false, 1, inner, 42), expected{with(namespaces("30", changes{"pid": innerPID}), changes{
			"proc/30/status": "NSpid:\t30\t1\n", "proc/30/stat": stat("53"),
		}), 0, OK, "cannot be seen from this one (4026531836)", ""}},
		"elsewhere": {peerOf("cam", true, 1, inner, 42), expected{nil, 0, OK, "cannot be seen", ""}},
	} {
		r := made(c.changes).peer(c.peer)
		expectResult(t, name, r, c.expected)
		if want := map[bool]string{true: "server", false: "client"}[c.peer.Server]; r.Name != want {
			t.Errorf("%s: named %s, want %s", name, r.Name, want)
		}
	}
}

func peerOf(name string, server bool, pid int, pidns, started uint64) monitor.Peer {
	return monitor.Peer{Name: name, Server: server, PID: pid, PIDNS: pidns, Started: started}
}
