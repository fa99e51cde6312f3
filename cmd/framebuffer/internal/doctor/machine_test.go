package doctor

import (
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// changes are files of a made-up machine that are otherwise than on a healthy one; "-" takes
// a file away.
type changes map[string]string

const (
	limitsFile = `Limit                     Soft Limit           Hard Limit           Units
Max processes             %PROC%               96365                processes
Max open files            %FILES%              20000                files
Max locked memory         8388608              8388608              bytes
Max address space         %AS%                 unlimited            bytes
`
	meminfoFile = `MemTotal:       33554432 kB
MemFree:         1048576 kB
MemAvailable:    8388608 kB
SwapTotal:             0 kB
CommitLimit:     1048576 kB
Committed_AS:     786432 kB
HugePages_Total:     300
HugePages_Free:      300
HugePages_Rsvd:       20
Hugepagesize:       2048 kB
`
)

// healthy is a machine on which everything is ok for a ring of 500 MiB.
func healthy() map[string]string {
	return map[string]string{
		"proc/sys/kernel/osrelease":                        "6.1.0-18-amd64\n",
		"proc/sys/kernel/shmmax":                           "18446744073692774399\n",
		"proc/sys/kernel/shmall":                           "18446744073692774399\n",
		"proc/sys/kernel/shmmni":                           "4096\n",
		"proc/sys/kernel/threads-max":                      "100000\n",
		"proc/sys/vm/overcommit_memory":                    "0\n",
		"proc/sys/vm/hugetlb_shm_group":                    "0\n",
		"proc/sys/fs/file-nr":                              "1000\t0\t9223372036854775807\n",
		"proc/sysvipc/shm":                                 "       key      shmid perms                  size  cpid  lpid nattch   uid\n",
		"proc/meminfo":                                     meminfoFile,
		"proc/self/limits":                                 limits("96365", "20000", "unlimited"),
		"proc/self/cgroup":                                 "0::/\n",
		"proc/self/status":                                 "VmSize:\t 1048576 kB\nGid:\t1000\t1000\t1000\t1000\nGroups:\t27 1000\nCapEff:\t0000000000004000\n",
		"proc/self/ns/ipc":                                 "->ipc:[4026531839]",
		"proc/self/ns/pid":                                 "->pid:[4026531836]",
		"proc/self/ns/mnt":                                 "->mnt:[4026531832]",
		"proc/self/ns/net":                                 "->net:[4026531833]",
		"proc/self/ns/user":                                "->user:[4026531837]",
		"proc/self/ns/time":                                "->time:[4026531834]",
		"run/systemd/system/unit":                          "",
		"etc/systemd/logind.conf":                          "[Login]\n#RemoveIPC=no\n",
		"sys/kernel/mm/transparent_hugepage/shmem_enabled": "always within_size advise [never] deny force\n",
	}
}

func limits(proc, files, as string) string {
	return fillIn(limitsFile, "%PROC%", proc, "%FILES%", files, "%AS%", as)
}

func meminfo(pairs ...string) string { return fillIn(meminfoFile, pairs...) }

// made is a machine with those changes, on which everything that is tried works.
func made(c changes) Machine {
	files := healthy()
	maps.Copy(files, c)
	tree := fstest.MapFS{}
	for name, text := range files {
		switch {
		case text == "-":
		case len(text) > 2 && text[:2] == "->":
			tree[name] = &fstest.MapFile{Data: []byte(text[2:]), Mode: fs.ModeSymlink}
		default:
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return Machine{
		Root:    tree,
		FileDir: "/made/shm", SocketDir: "/made/tmp/framebuffer-0",
		Space: func(string) (Space, error) {
			return Space{Total: 1 << 30, Free: 1 << 30, Kind: "tmpfs", Memory: true, Mode: "dtrwxrwxrwx"}, nil
		},
		Try:    func(string) error { return nil },
		Deaths: func() error { return nil },
		Kernel: func() copyhash.Choice { return copyhash.Choice{Kernel: copyhash.AVX2, Why: copyhash.Alone} },
		CPU:    func() cpu.Topology { return cpu.Topology{} },
	}
}

var errMadeUp = errors.New("made up")

// On a healthy machine nothing is complained of, whatever is asked.
func TestHealthy(t *testing.T) {
	for _, ring := range []int64{0, 1, 500 << 20} {
		all := Examine(made(nil), ring, "")
		if len(all) != len(Checks()) || len(Failed(all)) != 0 {
			t.Errorf("%+v", all)
		}
		names := map[string]bool{}
		for _, r := range all {
			if r.Status != OK || r.Name == "" || r.Finding == "" || r.Remedy != "" || names[r.Name] {
				t.Errorf("ring %d: %+v", ring, r)
			}
			names[r.Name] = true
		}
	}
}

// Where nothing can be read, no check fails for that alone, and each says what is missing.
func TestNothingToRead(t *testing.T) {
	m := Machine{
		Root:  fstest.MapFS{},
		Space: func(string) (Space, error) { return Space{}, errMadeUp },
		Try:   func(string) error { return nil }, Deaths: func() error { return nil },
		Kernel: func() copyhash.Choice { return copyhash.Choice{} }, CPU: func() cpu.Topology { return cpu.Topology{} },
	}
	surely := map[string]Status{"sysv": OK, "memfd": OK, "RemoveIPC": OK, "cleaning": OK, "deaths": OK, "L3 cache": OK, "copying": OK, "stores": OK}
	for _, r := range Examine(m, 1<<20, "") {
		want, known := surely[r.Name]
		if !known {
			want = Warn
		}
		if r.Status != want || r.Finding == "" || (r.Remedy == "") != (want == OK) {
			t.Errorf("%+v", r)
		}
	}
}

// What this machine really says can be read; whether it is well is not for a test to say.
func TestHere(t *testing.T) {
	for _, r := range Examine(Here(""), 1<<20, "") {
		if r.Finding == "" || (r.Remedy == "") != (r.Status == OK) {
			t.Errorf("%+v", r)
		}
		t.Logf("%+v", r)
	}
}

func fillIn(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }
