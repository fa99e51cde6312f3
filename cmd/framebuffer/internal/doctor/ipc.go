package doctor

import "fmt"

// hostIPC is the inode of the first IPC namespace, the host's (PROC_IPC_INIT_INO).
const hostIPC = 0xEFFFFFFF

// ipcNamespace checks which System V memory this process can attach to.
func ipcNamespace(m Machine, _ int64) Result {
	switch here := m.namespace("self", "ipc"); here {
	case 0:
		return unknown(fmt.Errorf("/proc/self/ns/ipc is not to be read"))
	case hostIPC:
		return good("%s", describeIPC(here))
	default:
		return good("%s: with --backend sysv, only processes in it can attach to servers in it (--ipc=container:NAME, or --ipc=host)", describeIPC(here))
	}
}

// sameIPC checks whether this process is in the IPC namespace that a key names; 0 means unknown.
func sameIPC(m Machine, key uint64) Result {
	here := m.namespace("self", "ipc")
	switch {
	case here == 0:
		return unknown(fmt.Errorf("/proc/self/ns/ipc is not to be read"))
	case key == 0:
		return bad(Warn, "see whether attaching works", "this process is in %d; the key does not say where its memory is", here)
	case key != here:
		return bad(Fail, "start this container with --ipc=container:NAME of the server's, and that one with --ipc=shareable, or both with --ipc=host; or serve without --backend sysv: memfd, the default, needs only a directory",
			"the key's memory is in %s; this process is in %s", describeIPC(key), describeIPC(here))
	}
	return good("%s: that of the key", describeIPC(here))
}

// anyIPC is the result of [sameIPC] for a backend that works in all IPC namespaces.
func anyIPC(m Machine, backend string) Result {
	r := good("%s needs no IPC namespace in common", backend)
	if here := m.namespace("self", "ipc"); here != 0 {
		r.Finding += ", and this process's, " + describeIPC(here) + ", may be another than the server's"
	}
	return r.named("ipc namespace")
}

// describeIPC returns the description of an IPC namespace.
func describeIPC(namespace uint64) string {
	if namespace == hostIPC {
		return fmt.Sprintf("the host's (%d)", namespace)
	}
	return fmt.Sprintf("%d, not the host's", namespace)
}
