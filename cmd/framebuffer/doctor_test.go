package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/doctor"
)

// examined is what doctor found: its --json, by name.
func examined(t *testing.T, r result) map[string]doctor.Result {
	t.Helper()
	var all []doctor.Result
	if err := json.Unmarshal([]byte(r.out), &all); err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	by := map[string]doctor.Result{}
	failed := 0
	for _, f := range all {
		by[f.Name] = f
		if f.Status == doctor.Fail {
			failed++
		}
	}
	if want := min(failed, 1); r.status != want {
		t.Errorf("status %d with %d fails: %+v", r.status, failed, r)
	}
	return by
}

// The tests need all backends and a megabyte, so doctor must find those.
func TestDoctor(t *testing.T) {
	by := examined(t, runCommand(t, "", "doctor", "--size", "1MiB", "--json"))
	for _, name := range []string{"sysv", "memfd", "file", "memory", "sysv limits", "RemoveIPC"} {
		if f := by[name]; f.Status != doctor.OK {
			t.Errorf("%s: %+v", name, f)
		}
	}
	// No machine has room for this one.
	by = examined(t, runCommand(t, "", "doctor", "--size", "60TiB", "--json"))
	if f := by["memory"]; f.Status != doctor.Fail || !strings.Contains(f.Finding, "60 TiB") || f.Remedy == "" {
		t.Errorf("%+v", f)
	}
	if r := runHere(t, "", "doctor", "--size", "big"); r.status != exitUsage || !strings.Contains(r.err, "500MiB") {
		t.Errorf("%+v", r)
	}
}

// For people: the status first, in a column of its own, and remedies only where something is
// not ok.
func TestDoctorText(t *testing.T) {
	r := runCommand(t, "", "doctor", "--size", "60TiB")
	if r.status != exitFailed || !strings.Contains(r.err, "one or more checks failed: ") || !strings.Contains(r.err, "memory") {
		t.Errorf("%+v", r)
	}
	finding := regexp.MustCompile(`^(ok  |warn|fail)  \S`)
	remedy := regexp.MustCompile(`^ {10,}remedy: \S`)
	before := ""
	for line := range strings.Lines(r.out) {
		status := strings.TrimSpace(line[:min(4, len(line))])
		switch {
		case finding.MatchString(line) && before != "warn" && before != "fail":
		case remedy.MatchString(line) && (before == "warn" || before == "fail"):
			status = ""
		default:
			t.Errorf("after %q comes %q", before, line)
		}
		before = status
	}
	if strings.Count(r.out, "\n") < 15 {
		t.Errorf("%s", r.out)
	}
}

// The ring to find room for is serve's, and with a key none, unless a size is told.
func TestDoctorSize(t *testing.T) {
	told := byteSize(7)
	for _, c := range []struct {
		cmd  doctorCmd
		want byteSize
	}{
		{doctorCmd{}, 500 << 20}, {doctorCmd{keyFlag: keyFlag{Key: "key"}}, 0}, {doctorCmd{Size: &told}, 7}, {doctorCmd{keyFlag: keyFlag{Key: "key"}, Size: &told}, 7},
	} {
		if got, err := c.cmd.ring(); err != nil || got != c.want {
			t.Errorf("%+v: %d, %v; want %d", c.cmd, got, err, c.want)
		}
	}
	for _, name := range []string{"serve", "doctor"} {
		if r := runHere(t, "", name, "--help"); !strings.Contains(strings.Join(strings.Fields(r.out), " "), "default 500MiB") {
			t.Errorf("%s: %s", name, r.out)
		}
	}
}

func TestDoctorOfAKey(t *testing.T) {
	_, s, cmd := serving(t, "--size", "1MiB", "--backend", "sysv")
	client, err := framebuffer.Attach(s.Key, &framebuffer.ClientOptions{Name: "the test"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	by := examined(t, runCommand(t, "", "doctor", s.Key, "--json"))
	for name, says := range map[string]string{
		"key": "sysv", "ipc namespace": "the key", "attach": "1.0 MiB", "server": `"framebuffer serve"`, "client": `"the test"`, "sysv": "not tried",
	} {
		if f := by[name]; f.Status != doctor.OK || !strings.Contains(f.Finding, says) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	// A key from the environment is as good, and a size is looked at all the same.
	cmd2 := command("doctor", "--size", "60TiB", "--json")
	cmd2.Env = append(cmd2.Env, "FRAMEBUFFER_KEY="+s.Key)
	out, _ := cmd2.Output() // the status is examined's
	by = examined(t, result{out: string(out), status: cmd2.ProcessState.ExitCode()})
	if by["attach"].Status != doctor.OK || by["memory"].Status != doctor.Fail {
		t.Errorf("%+v", by)
	}
	// A server that was killed leaves the memory to the clients that are attached, and to no new one.
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	by = examined(t, runCommand(t, "", "doctor", s.Key, "--json"))
	if f := by["attach"]; f.Status != doctor.Fail || !strings.Contains(f.Finding, "died") {
		t.Errorf("%+v", by)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	by = examined(t, runCommand(t, "", "doctor", s.Key, "--json"))
	if f := by["attach"]; f.Status != doctor.Fail || !strings.Contains(f.Finding, "stale key") {
		t.Errorf("%+v", by)
	}
}
