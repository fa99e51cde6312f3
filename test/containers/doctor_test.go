//go:build containers

package containers

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// finding is a line of doctor's.
type finding struct{ Name, Status, Finding, Remedy string }

// findings reads doctor's --json.
func findings(t *testing.T, out string) map[string]finding {
	t.Helper()
	var all []finding
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	by := map[string]finding{}
	for _, f := range all {
		by[f.Name] = f
	}
	return by
}

// says is what a finding has to be.
type says struct{ status, finding, remedy string }

func expect(t *testing.T, r result, status int, want map[string]says) {
	t.Helper()
	if r.status != status {
		t.Errorf("%+v", r)
	}
	by := findings(t, r.out)
	for name, w := range want {
		f := by[name]
		if f.Status != w.status || !strings.Contains(f.Finding, w.finding) || !strings.Contains(f.Remedy, w.remedy) {
			t.Errorf("%+v, want %+v", f, w)
		}
	}
}

// doctor sees what the container was given, and agrees with what serve then does.
// podman gives 65,536,000 bytes of /dev/shm to a container that asks for nothing else.
func TestDoctorSeesTheContainersLimits(t *testing.T) {
	flags := []string{"--ipc=private", "--memory=96m", "--pids-limit=40", "--ulimit=nofile=100:100"}
	big := run(t, "", flags, "doctor", "--json", "--size", "128MiB")
	expect(t, big, 1, map[string]says{
		"cgroup memory": {"fail", "96 MiB, of which", "--memory="},
		"file":          {"warn", "/dev/shm: tmpfs, 63 MiB, of which 63 MiB are left", "--shm-size=134217728"},
		"ipc namespace": {"ok", "not the host's", ""},
		"descriptors":   {"warn", "may have 100", "nofile=1024"},
		"threads":       {"warn", "(/sys/fs/cgroup/", "--pids-limit"},
		"sysv":          {"ok", "works", ""},
	})
	if r := run(t, "", flags, "serve", "--size", "128MiB"); r.status != 5 {
		t.Errorf("serve: %+v", r)
	}
	small := run(t, "", flags, "doctor", "--json", "--size", "60MiB")
	expect(t, small, 0, map[string]says{"cgroup memory": {"ok", "96 MiB, of which", ""}, "file": {"ok", "/dev/shm: tmpfs, 63 MiB", ""}})
	if _, key := serve(t, flags, "--size", "60MiB"); key == "" {
		t.Error("a ring that fits was refused")
	}
}

// doctor with a key says whose namespace it is, and who is attached.
func TestDoctorOfAKey(t *testing.T) {
	server, key := serve(t, []string{"--ipc=shareable"}, "--size", "1MiB", "--backend", "sysv")
	joined := run(t, "", []string{"--ipc=container:" + server}, "doctor", "--json", key)
	expect(t, joined, 0, map[string]says{
		"ipc namespace": {"ok", "that of the key", ""},
		"attach":        {"ok", "1.0 MiB", ""},
		"server":        {"ok", "pid 1 in pid namespace", ""},
	})
	foreign := run(t, "", []string{"--ipc=private"}, "doctor", "--json", key)
	expect(t, foreign, 1, map[string]says{
		"ipc namespace": {"fail", "the key's memory is in", "--ipc=container:NAME"},
		"attach":        {"fail", "from here", "as above"},
	})
}

// From outside, the pid that a server in a container has there and here is told.
func TestDoctorFindsPeersInContainers(t *testing.T) {
	dir, flags := shared(t)
	_, key := serve(t, flags, "--size", "1MiB", "--backend", "memfd", "--dir", "/run/fb")
	host := testproc.Command(filepath.Join(podman.dir, "framebuffer"), "doctor", "--json", key)
	host.Env = append(host.Environ(), "FRAMEBUFFER_DIR="+dir)
	out, err := host.Output()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	expect(t, result{out: string(out), status: host.ProcessState.ExitCode()}, 0, map[string]says{
		"key":    {"ok", "/run/fb/", ""},
		"attach": {"ok", "1.0 MiB", ""},
		"server": {"ok", ", here ", ""},
	})
	if f := findings(t, string(out))["server"]; !strings.Contains(f.Finding, "its own ipc, mnt, net namespace") {
		t.Errorf("%+v", f)
	}
}
