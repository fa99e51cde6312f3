package doctor

import (
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

const mib = 1 << 20

// A case makes a machine and says what a check must find on it.
type expected struct {
	changes changes
	ring    int64
	status  Status
	says    string // in the finding
	remedy  string // in the remedy
}

func expect(t *testing.T, check func(Machine, int64) Result, cases map[string]expected) {
	t.Helper()
	for name, c := range cases {
		expectResult(t, name, check(made(c.changes), c.ring), c)
	}
}

func expectResult(t *testing.T, name string, r Result, c expected) {
	t.Helper()
	if r.Status != c.status || !strings.Contains(r.Finding, c.says) || !strings.Contains(r.Remedy, c.remedy) || (r.Remedy == "") != (r.Status == OK) {
		t.Errorf("%s: got %+v, want %+v", name, r, c)
	}
}

func TestKernel(t *testing.T) {
	const file = "proc/sys/kernel/osrelease"
	expect(t, kernel, map[string]expected{
		"new enough": {changes{file: "5.14.0-427.el9"}, mib, OK, "5.14.0-427.el9", ""},
		"old":        {changes{file: "5.10.0-28-amd64"}, mib, Warn, "5.10.0-28-amd64", "5.14"},
		"older":      {changes{file: "4.4.0"}, mib, Warn, "4.4.0", "5.14"},
		"no release": {changes{file: "new"}, mib, Warn, `"new"`, "/proc"},
	})
}

func TestMemory(t *testing.T) {
	little := changes{"proc/meminfo": meminfo("8388608 kB", "100000 kB")}
	expect(t, memory, map[string]expected{
		"all of it":    {nil, 8192 * mib, OK, "8.0 GiB", ""},
		"a byte less":  {nil, 8192*mib + 1, Fail, "too little", "--size 7"},
		"too little":   {little, 500 * mib, Fail, "98 MiB available (MemAvailable in /proc/meminfo), too little for a ring of 500 MiB", "--size 87MiB"},
		"no ring":      {little, 0, OK, "98 MiB", ""},
		"no such line": {changes{"proc/meminfo": "MemFree: 1 kB\n"}, mib, Warn, "MemAvailable", "/proc"},
	})
}

func TestOvercommit(t *testing.T) {
	strict := changes{"proc/sys/vm/overcommit_memory": "2\n"}
	expect(t, overcommit, map[string]expected{
		"not strict": {changes{"proc/sys/vm/overcommit_memory": "1\n"}, 1 << 40, OK, "is 1", ""},
		"fits":       {strict, 256 * mib, OK, "256 MiB more", ""},
		"does not":   {strict, 257 * mib, Fail, "256 MiB more, too little for a ring of 257 MiB", "overcommit_memory=0"},
		"no limit":   {changes{"proc/sys/vm/overcommit_memory": "2", "proc/meminfo": "-"}, 1, Warn, "meminfo", "/proc"},
	})
}

func TestControlGroup(t *testing.T) {
	limited := changes{"sys/fs/cgroup/memory.max": "104857600\n", "sys/fs/cgroup/memory.current": "20971520\n"}
	expect(t, controlGroup, map[string]expected{
		"none":    {nil, 1 << 40, OK, "no limit", ""},
		"fits":    {limited, 80 * mib, OK, "100 MiB, of which 80 MiB are left (/sys/fs/cgroup/memory.max)", ""},
		"not":     {limited, 81 * mib, Fail, "80 MiB are left (/sys/fs/cgroup/memory.max), too little for a ring of 81 MiB", "--memory="},
		"no ring": {limited, 0, OK, "100 MiB", ""},
		"unknown": {changes{"proc/self/cgroup": "-"}, mib, Warn, "proc/self/cgroup", "/proc"},
	})
}

func TestAddressSpace(t *testing.T) {
	bound := changes{"proc/self/limits": limits("1", "1", "2147483648")}
	expect(t, addressSpace, map[string]expected{
		"no limit": {nil, 1 << 50, OK, "no limit", ""},
		"fits":     {bound, 512 * mib, OK, "1.0 GiB are left", ""},
		"not":      {bound, 513 * mib, Fail, "513 MiB is mapped twice", "ulimit -v unlimited"},
		"unknown":  {changes{"proc/self/limits": "Max cpu time unlimited unlimited seconds\n"}, mib, Warn, "Max address space", "/proc"},
	})
}

func TestSysvLimits(t *testing.T) {
	const heading = "key shmid perms size cpid\n"
	used := heading + "0 1 600 4096 7\n0 2 600 1048577 7\n" // 1 and 257 pages of 4 KiB
	expect(t, sysvLimits, map[string]expected{
		"none":            {changes{"proc/sys/kernel/shmmax": "-"}, mib, Warn, "no System V shared memory", "memfd"},
		"none, no ring":   {changes{"proc/sys/kernel/shmmax": "-"}, 0, Warn, "no System V shared memory", "memfd"},
		"longest":         {changes{"proc/sys/kernel/shmmax": "33554432"}, 32 * mib, OK, "up to 32 MiB", ""},
		"too long":        {changes{"proc/sys/kernel/shmmax": "33554432"}, 32*mib + 1, Warn, "kernel.shmmax", "kernel.shmmax=33554433"},
		"in use":          {changes{"proc/sysvipc/shm": used}, mib, OK, "2 of 4096 segments in use", ""},
		"too many pages":  {changes{"proc/sysvipc/shm": used, "proc/sys/kernel/shmall": "512"}, 1 << 30, Warn, "kernel.shmall", "sysctl kernel.shmall="},
		"pages, no ring":  {changes{"proc/sysvipc/shm": used, "proc/sys/kernel/shmall": "10"}, 0, OK, "segments in use", ""},
		"no id left":      {changes{"proc/sysvipc/shm": used, "proc/sys/kernel/shmmni": "3"}, mib, Warn, "there may be 3 segments in this IPC namespace, of which 1 are left", "kernel.shmmni=4"},
		"no id, no ring":  {changes{"proc/sysvipc/shm": used, "proc/sys/kernel/shmmni": "3"}, 0, Warn, "kernel.shmmni", "ipcs -m"},
		"nonsense":        {changes{"proc/sys/kernel/shmall": "many"}, mib, Warn, "shmall", "/proc"},
		"nonsense beside": {changes{"proc/sysvipc/shm": heading + "0 1 600 many 7\n"}, mib, Warn, "sysvipc", "/proc"},
	})
}

func TestIPCNamespace(t *testing.T) {
	own := changes{"proc/self/ns/ipc": "->ipc:[4026532179]"}
	expect(t, ipcNamespace, map[string]expected{
		"the host's": {nil, 0, OK, "the host's (4026531839)", ""},
		"another":    {own, 0, OK, "4026532179, not the host's", ""},
		"unknown":    {changes{"proc/self/ns/ipc": "-"}, 0, Warn, "/proc/self/ns/ipc", "/proc"},
		"nonsense":   {changes{"proc/self/ns/ipc": "->pid:[1]"}, 0, Warn, "/proc/self/ns/ipc", "/proc"},
	})
	for name, c := range map[string]struct {
		key uint64
		expected
	}{
		"the key's":         {4026532179, expected{own, 0, OK, "4026532179", ""}},
		"another than ours": {4026531839, expected{own, 0, Fail, "the key's memory is in the host's (4026531839); this process is in 4026532179, not the host's", "--ipc=host"}},
		"not in the key":    {0, expected{own, 0, Warn, "4026532179", "attaching"}},
		"ours is unknown":   {4026531839, expected{changes{"proc/self/ns/ipc": "-"}, 0, Warn, "/proc/self/ns/ipc", "/proc"}},
	} {
		expectResult(t, name, sameIPC(made(c.changes), c.key), c.expected)
	}
}

// The order of files is that of logind.conf(5).
func TestRemoveIPC(t *testing.T) {
	expect(t, removeIPC, map[string]expected{
		"no systemd": {changes{"run/systemd/system/unit": "-", "etc/systemd/logind.conf": "RemoveIPC=yes"}, 0, OK, "no systemd", ""},
		"default":    {nil, 0, OK, "yes, the default", ""},
		"no file":    {changes{"etc/systemd/logind.conf": "-"}, 0, OK, "yes, the default", ""},
		"no":         {changes{"etc/systemd/logind.conf": "[Login]\nRemoveIPC = no\n"}, 0, OK, "off", ""},
		"vendor's":   {changes{"etc/systemd/logind.conf": "-", "usr/lib/systemd/logind.conf": "RemoveIPC=no\n"}, 0, OK, "off", ""},
		"first file": {changes{"usr/lib/systemd/logind.conf": "RemoveIPC=no\n"}, 0, OK, "yes, the default", ""},
		"drop-in": {changes{
			"etc/systemd/logind.conf": "RemoveIPC=yes\n", "usr/lib/systemd/logind.conf.d/a.conf": "RemoveIPC=no\n",
			"etc/systemd/logind.conf.d/b.txt": "RemoveIPC=yes\n",
		}, 0, OK, "off", ""},
		"last drop-in": {changes{
			"usr/lib/systemd/logind.conf.d/20.conf": "RemoveIPC=true\n", "etc/systemd/logind.conf.d/10.conf": "RemoveIPC=no\n",
		}, 0, OK, "true (logind.conf); it matters not", ""},
		"hidden drop-in": {changes{
			"usr/lib/systemd/logind.conf.d/20.conf": "RemoveIPC=no\n", "etc/systemd/logind.conf.d/20.conf": "",
		}, 0, OK, "yes, the default", ""},
		"a directory instead": {changes{"etc/systemd/logind.conf": "-", "etc/systemd/logind.conf/x": ""}, 0, Warn, "logind.conf", "/proc"},
	})
}

func TestCleaning(t *testing.T) {
	const vendors = "usr/lib/tmpfiles.d/tmp.conf"
	expect(t, cleaning, map[string]expected{
		"no systemd":      {changes{"run/systemd/system/unit": "-", vendors: "q /made/tmp 1777 root root 10d\n"}, 0, OK, "no systemd", ""},
		"no lines":        {nil, 0, OK, "removes nothing old in /made/tmp/framebuffer-0 and /made/shm", ""},
		"the default":     {changes{vendors: "# comment\nq /made/tmp 1777 root root 10d\nx /made/tmp/systemd-private-*\n"}, 0, OK, "older than 10d in /made/tmp (/" + vendors + ")", ""},
		"no age":          {changes{vendors: "d /made/tmp 1777 root root -\nd /made/tmp\n"}, 0, OK, "nothing old", ""},
		"excluded":        {changes{vendors: "q /made/tmp 1777 root root 10d\n", "etc/tmpfiles.d/x.conf": "x /made/tmp/framebuffer-*\n"}, 0, OK, "nothing old", ""},
		"overridden":      {changes{vendors: "q /made/tmp 1777 root root 10d\n", "etc/tmpfiles.d/tmp.conf": ""}, 0, OK, "nothing old", ""},
		"the files":       {changes{"etc/tmpfiles.d/shm.conf": "e /made/shm - - - 1h\n"}, 0, Warn, "older than 1h in /made/shm", "x /made/shm/framebuffer-*"},
		"another's files": {changes{"etc/tmpfiles.d/shm.conf": "e /made/shm2 - - - 1h\n"}, 0, OK, "nothing old", ""},
	})
}

func TestDeaths(t *testing.T) {
	m := made(nil)
	expectResult(t, "noticed", deaths(m, 0), expected{status: OK, says: "is noticed"})
	m.Deaths = func() error { return errMadeUp }
	expectResult(t, "not noticed", deaths(m, 0), expected{status: Warn, says: "is not noticed: made up", remedy: "seccomp"})
}

// Where /proc is not mounted it is not known whether the kernel has System V memory.
func TestWithoutProc(t *testing.T) {
	expect(t, sysvLimits, map[string]expected{
		"no /proc":    {changes{"proc/sys/kernel/shmmax": "-", "proc/sys/kernel/osrelease": "-"}, mib, Warn, "cannot be told", "/proc"},
		"no System V": {changes{"proc/sys/kernel/shmmax": "-"}, mib, Warn, "no System V", "memfd"},
	})
	m := made(nil)
	root := m.Root.(fstest.MapFS)
	maps.DeleteFunc(root, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, "sys/") })
	expectResult(t, "no /sys", hugePages(m, mib), expected{status: Warn, says: "cannot be told", remedy: "/sys"})
}

// A socket that is bound and not there was removed under a server.
func TestSocketThatWasRemoved(t *testing.T) {
	const at, table = "/made/tmp/framebuffer-0/x.fb", "Num RefCount Protocol Flags Type St Inode Path\n000000006b1f: 00000002 00000000 00010000 0001 01 41 /made/tmp/framebuffer-0/x.fb\n"
	for name, c := range map[string]struct {
		changes changes
		want    expected
	}{
		"removed":       {changes{"proc/net/unix": table}, expected{status: Fail, says: "removed its socket", remedy: "wait a second"}},
		"there":         {changes{"proc/net/unix": table, at[1:]: ""}, expected{status: OK, says: at}},
		"a connection":  {changes{"proc/net/unix": strings.ReplaceAll(table, "00010000", "00000000")}, expected{status: OK, says: at}},
		"of no process": {changes{"proc/net/unix": strings.ReplaceAll(table, "x.fb", "y.fb")}, expected{status: OK, says: at}},
		"no /proc":      {nil, expected{status: OK, says: at}},
	} {
		expectResult(t, name, made(c.changes).socket(at), c.want)
	}
}

func TestFile(t *testing.T) {
	of := func(total, free int64) Space {
		return Space{Total: total, Free: free, Kind: "tmpfs", Memory: true, Mode: "dtrwxrwxrwx"}
	}
	readOnly, disk := of(mib, mib), Space{Total: 1 << 40, Free: 1 << 40, Kind: "ext4"}
	readOnly.ReadOnly = true
	for name, c := range map[string]struct {
		room Space
		err  error
		expected
	}{
		"fits":      {of(1<<30, 64*mib), nil, expected{nil, 64 * mib, OK, "/made/shm: tmpfs, 1.0 GiB, of which 64 MiB are left, dtrwxrwxrwx; serving", ""}},
		"not":       {of(64*mib, 63*mib), nil, expected{nil, 64 * mib, Warn, "64 MiB, of which 63 MiB are left, too little", "--shm-size=67108864"}},
		"no ring":   {of(64*mib, 0), nil, expected{nil, 0, OK, "0 B are left", ""}},
		"read-only": {readOnly, nil, expected{nil, 0, Warn, "read-only", "for writing"}},
		"a disk":    {disk, nil, expected{nil, mib, Warn, "ext4 is no memory", "--dir"}},
		"none":      {Space{}, fmt.Errorf("statfs: %w", fs.ErrNotExist), expected{nil, mib, Warn, "/made/shm is not there", "--shm-size"}},
		"unknown":   {Space{}, syscall.EACCES, expected{nil, mib, Warn, "permission denied", "/proc"}},
	} {
		m := made(c.changes)
		m.Space = func(dir string) (Space, error) {
			if dir != "/made/shm" {
				t.Errorf("looked at %s", dir)
			}
			return c.room, c.err
		}
		expectResult(t, name, fileWorks(m, c.ring), c.expected)
	}
	m := made(nil)
	m.Try = func(backend string) error {
		if backend != "file" {
			t.Errorf("tried %s", backend)
		}
		return errMadeUp
	}
	expectResult(t, "does not work", fileWorks(m, mib), expected{nil, mib, Warn, "1.0 GiB are left, dtrwxrwxrwx; serving a ring of 64 KiB does not work: made up", "--dir"})
}

func TestHugePages(t *testing.T) {
	const thp = "sys/kernel/mm/transparent_hugepage/shmem_enabled"
	plain := "Gid:\t1000\t1000\nGroups:\t27 1000\nCapEff:\t0000000000000000\n"
	expect(t, hugePages, map[string]expected{
		"reserved":            {nil, 560 * mib, OK, "560 MiB reserved", ""},
		"too few":             {nil, 561 * mib, Warn, "560 MiB reserved", "vm.nr_hugepages=281"},
		"transparent":         {changes{thp: "always [advise] never"}, 1 << 40, OK, "transparent", ""},
		"denied":              {changes{thp: "always advise never [deny]"}, 1 << 40, Warn, "no transparent", "advise"},
		"none in the kernel":  {changes{"sys/kernel/mm/ksm/run": "0", thp: "-"}, 1 << 40, Warn, "no transparent", "nr_hugepages"},
		"no ring":             {nil, 0, OK, "reserved", ""},
		"none, no ring":       {changes{"proc/meminfo": meminfo("Free:      300", "Free:        0")}, 0, OK, "no ring", ""},
		"not for this user":   {changes{"proc/self/status": plain}, mib, Warn, "not for this user", "hugetlb_shm_group"},
		"by its group":        {changes{"proc/self/status": plain, "proc/sys/vm/hugetlb_shm_group": "27\n"}, mib, OK, "reserved", ""},
		"not but transparent": {changes{"proc/self/status": plain, thp: "[always]"}, mib, OK, "transparent", ""},
		"unknown":             {changes{"proc/meminfo": "-"}, mib, Warn, "meminfo", "/proc"},
	})
}

func TestMemlock(t *testing.T) {
	expect(t, memlock, map[string]expected{
		"no swap":  {nil, 1 << 40, OK, "8.0 MiB may be locked; rings are not locked, and there is no swap", ""},
		"swap":     {changes{"proc/meminfo": meminfo("       0 kB", " 1048576 kB")}, mib, OK, "swap (1.0 GiB)", ""},
		"no limit": {changes{"proc/self/limits": "Max locked memory unlimited unlimited bytes\n"}, mib, OK, "no limit", ""},
		"unknown":  {changes{"proc/self/limits": "-"}, mib, Warn, "limits", "/proc"},
	})
}

func TestDescriptors(t *testing.T) {
	of := func(n string) changes { return changes{"proc/self/limits": limits("1", n, "1")} }
	expect(t, descriptors, map[string]expected{
		"enough":         {of("272"), 0, OK, "272", ""},
		"unlimited":      {of("unlimited"), 0, OK, "any number of", ""},
		"few":            {of("271"), 0, Warn, "271", "nofile=1024"},
		"too few":        {of("15"), 0, Fail, "15", "ulimit -n 1024"},
		"on the machine": {changes{"proc/sys/fs/file-nr": "9900\t0\t10000\n"}, 0, Warn, "9900 open of 10000", "fs.file-max"},
		"unknown":        {changes{"proc/sys/fs/file-nr": "many"}, 0, Warn, "file-nr", "/proc"},
	})
}

func TestTasks(t *testing.T) {
	group := func(bound, used string) changes {
		return changes{"sys/fs/cgroup/pids.max": bound, "sys/fs/cgroup/pids.current": used}
	}
	expect(t, tasks, map[string]expected{
		"enough":         {group("100", "36"), 0, OK, "64 more threads may be started (/sys/fs/cgroup/pids.max)", ""},
		"few":            {group("100", "37"), 0, Warn, "63 more", "--pids-limit"},
		"too few":        {group("100", "85"), 0, Fail, "15 more", "--pids-limit"},
		"of the user":    {changes{"proc/self/limits": limits("15", "1", "1")}, 0, Fail, "this user may have 15 threads (ulimit -u)", "nproc="},
		"of the machine": {changes{"proc/sys/kernel/threads-max": "63"}, 0, Warn, "the machine may have 63", "threads-max"},
		"unknown":        {changes{"proc/self/cgroup": "-"}, 0, Warn, "control groups", "/proc"},
		"an odd group": {changes{
			"proc/self/cgroup": "0::/a%d\n", "sys/fs/cgroup/a%d/pids.max": "100", "sys/fs/cgroup/a%d/pids.current": "0",
		}, 0, OK, "100 more threads may be started (/sys/fs/cgroup/a%d/pids.max)", ""},
	})
}

func TestTried(t *testing.T) {
	for name, c := range map[string]struct {
		check func(Machine, int64) Result
		err   error
		expected
	}{
		"sysv":              {sysvWorks, nil, expected{nil, mib, OK, "works", ""}},
		"memfd":             {memfdWorks, nil, expected{nil, mib, OK, "works", ""}},
		"sysv does not":     {sysvWorks, errMadeUp, expected{nil, mib, Warn, "does not work: made up", "memfd"}},
		"memfd does not":    {memfdWorks, errMadeUp, expected{nil, mib, Fail, "does not work: made up", "--dir"}},
		"sysv, no ring":     {sysvWorks, errMadeUp, expected{nil, 0, OK, "not tried", ""}},
		"memfd, no ring":    {memfdWorks, errMadeUp, expected{nil, 0, OK, "not tried", ""}},
		"error in an error": {sysvWorks, fmt.Errorf("framebuffer: attach with key \"fb4_x\": framebuffer: %w", errMadeUp), expected{nil, 1, Warn, "work: made up", "memfd"}},
	} {
		m := made(nil)
		m.Try = func(backend string) error {
			if !strings.HasPrefix(name, backend) && c.err == nil {
				t.Errorf("%s: tried %s", name, backend)
			}
			return c.err
		}
		expectResult(t, name, c.check(m, c.ring), c.expected)
	}
}

func TestCacheFits(t *testing.T) {
	for name, c := range map[string]struct {
		l3   int
		ring int64
		says string
	}{
		"fits":    {32 * mib, 16 * mib, "a ring of 16 MiB fits half the L3 of 32 MiB"},
		"not":     {32 * mib, 16*mib + 1, "is more than half the L3 of 32 MiB"},
		"unknown": {0, mib, "not known"},
		"no ring": {32 * mib, 0, "no ring"},
	} {
		m := made(nil)
		m.L3 = c.l3
		expectResult(t, name, cacheFits(m, c.ring), expected{status: OK, says: c.says})
	}
}
