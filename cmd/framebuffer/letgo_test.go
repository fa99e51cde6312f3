package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// has reports whether a process has a ring's memory mapped or open.
func has(t testing.TB, pid int, ring string) bool {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	maps, err := os.ReadFile(filepath.Join(proc, "maps"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(maps), ring) {
		return true
	}
	all, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		to, err := os.Readlink(filepath.Join(proc, "fd", one.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it may be closed by now
			t.Fatal(err)
		}
		if strings.Contains(to, ring) {
			return true
		}
	}
	return false
}

// awaitMemory returns when all processes have that ring's memory, or none has.
func awaitMemory(t testing.TB, pids map[string]int, ring string, there bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for what, pid := range pids {
		for has(t, pid, ring) != there {
			if time.Now().After(end) {
				t.Fatalf("%s has memory of %q: %v", what, ring, !there)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// What looks at a ring has none of its memory soon after its server has ended, however rarely it
// looks: the next server needs the room. The end stays shown until that comes, which is shown then.
func TestWatchersLetGo(t *testing.T) {
	t.Parallel()
	for _, by := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		for _, backend := range []string{"sysv", "memfd", "file"} {
			t.Run(fmt.Sprint(backend, " ", by), func(t *testing.T) {
				t.Parallel()
				letGo(t, by, backend)
			})
		}
	}
}

// nextButOne is what `stat --watch --json` says in the second line that it begins from now on.
func nextButOne(t testing.TB, watch *spoken) (s monitor.Snapshot) {
	t.Helper()
	n := strings.Count(watch.out.String(), "\n")
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		lines := strings.Split(watch.out.String(), "\n")
		if len(lines) > n+2 {
			if err := json.Unmarshal([]byte(lines[n+1]), &s); err != nil {
				t.Fatalf("%v: %q", err, lines[n+1])
			}
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("%d lines, and no more", n)
		}
	}
}

func letGo(t *testing.T, by syscall.Signal, backend string) {
	t.Helper()
	flags, ring := []string{"--backend", backend}, "SYSV"
	if backend != "sysv" {
		dir := memoryDir(t)
		flags = append(flags, "--dir", dir)
		if ring = "memfd:framebuffer-ring"; backend == "file" {
			ring = dir
		}
	}
	name, s, server := serving(t, append([]string{"--size", "1MiB"}, flags...)...)
	if r := runCommand(t, "hello", "pub", "cam", "--name", name, "--keep"); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	pids := map[string]int{}
	talking := func(args ...string) *spoken {
		one := speaking(t, nil, args...)
		pids[strings.Join(args, " ")] = one.Process.Pid
		return one
	}
	byName := talking("stat", "--watch", "--json", "--interval", "20ms", "--name", name)
	byKey := talking("stat", "--watch", "--json", "--interval", "20ms", s.Key)
	talking("stat", "--watch", "--interval", "1h", "--name", name)
	var named, keyed shown
	pids["web"] = announcing(t, &named, "web", "--name", name).Process.Pid
	pids["web KEY"] = announcing(t, &keyed, "web", s.Key).Process.Pid
	term := inTerminal(t)
	pid, err := strconv.Atoi(strings.TrimSpace(term.tmux("display", "-p", "#{pane_pid}")))
	if err != nil {
		t.Fatal(err)
	}
	pids["top"] = pid
	term.run(`exec "$FB" top --interval 100ms --name ` + name)
	term.shows("framebuffer top  open")
	awaitMemory(t, pids, ring, true)
	latest := fmt.Sprintf("topics/%d/latest", stat(t, "--name", name, "--interval", "0").Topics[0].Index)
	until(t, named.HTTP+latest, 200, "") // so that the page has its picture

	ends(t, server, by)
	awaitMemory(t, pids, ring, false)
	state := monitor.Gone
	if by != syscall.SIGKILL {
		state = monitor.Closed
	}
	for _, one := range []*spoken{byName, byKey} {
		one.out.await(t, `"state":"`+string(state)+`"`)
		last := nextButOne(t, one)
		if last.State != state || last.Capacity != 1<<20 || len(last.Topics) != 1 || last.Topics[0].Published != 1 || last.Total[monitor.Writes] != 1 {
			t.Errorf("the end: %+v", last)
		}
	}
	term.until("the end", func(screen string) bool {
		return inOrder(screen, "framebuffer top  "+strings.ToUpper(string(state)), "1.0 MiB", "cam")
	})
	for _, page := range []shown{named, keyed} {
		until(t, page.HTTP+"healthz", 503, string(state))
		until(t, page.HTTP+"metrics", 200, "\nframebuffer_open 0\n")
		until(t, page.HTTP+"metrics", 200, "\nframebuffer_writes_total 1\n")
		until(t, page.HTTP+"metrics", 200, "\nframebuffer_capacity_bytes 1.048576e+06\n")
	}
	until(t, named.HTTP+latest, 200, "")
	until(t, keyed.HTTP+latest, 503, "has ended")

	servingAs(t, name, append([]string{"--size", "2MiB"}, flags...)...)
	byName.out.await(t, `"capacity_bytes":2097152`)
	until(t, named.HTTP+"metrics", 200, "\nframebuffer_capacity_bytes 2.097152e+06\n")
	until(t, keyed.HTTP+"healthz", 503, string(state))
	term.until("the next one", func(screen string) bool { return inOrder(screen, "framebuffer top  open", "2.0 MiB") })
	if strings.Contains(byKey.out.String(), `"capacity_bytes":2097152`) {
		t.Error("with a key, another server is shown")
	}
}
