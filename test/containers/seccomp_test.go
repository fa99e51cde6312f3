//go:build containers

package containers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// denied is the flags of a container that may make every system call but this one, which fails with
// EPERM.
func denied(t *testing.T, call string) []string {
	t.Helper()
	type rule struct {
		Names    []string `json:"names"`
		Action   string   `json:"action"`
		ErrnoRet int      `json:"errnoRet"`
	}
	profile, err := json.Marshal(struct {
		DefaultAction string `json:"defaultAction"`
		Syscalls      []rule `json:"syscalls"`
	}{"SCMP_ACT_ALLOW", []rule{{[]string{call}, "SCMP_ACT_ERRNO", 1}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seccomp.json")
	if err := os.WriteFile(file, profile, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--security-opt", "seccomp=" + file}
}

// serve names the system call that a seccomp profile denies and exits with 6, or does without it;
// doctor in the same container agrees.
func TestSeccomp(t *testing.T) {
	for _, c := range []struct{ call, backend string }{{"memfd_create", "memfd"}, {"shmget", "sysv"}} {
		t.Run(c.call, func(t *testing.T) {
			flags := append([]string{"--ipc=private"}, denied(t, c.call)...)
			r := run(t, "", append(flags, "--tmpfs=/run/fb"),
				"serve", "--size", "1MiB", "--backend", c.backend, "--dir", "/run/fb")
			if r.status != 6 || !strings.Contains(r.err, "the system call "+c.call+" is refused here") {
				t.Errorf("serve: %+v", r)
			}
			f := findings(t, run(t, "", flags, "doctor", "--json").out)[c.backend]
			if f.Status == "ok" || !strings.Contains(f.Finding, c.call) {
				t.Errorf("doctor: %+v", f)
			}
		})
	}
	for _, call := range []string{"set_robust_list", "madvise"} {
		for _, backend := range []string{"sysv", "memfd", "file"} {
			t.Run(call+"/"+backend, func(t *testing.T) {
				served, args, joined := apart(t, backend)
				filter := denied(t, call)
				server, key := serve(t, append(served, filter...), append(args, "--size", "1MiB")...)
				flags := append(joined(server), filter...)
				if r := run(t, "x", flags, "put", "-", "--key", key); r.status != 0 {
					t.Errorf("put: %+v", r)
				}
				want := says{"ok", "is noticed", ""}
				if call == "set_robust_list" {
					want = says{"warn", "is not noticed", call}
				}
				expect(t, run(t, "", flags, "doctor", "--json"), 0, map[string]says{"deaths": want})
			})
		}
	}
}
