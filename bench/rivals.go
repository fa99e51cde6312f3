package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/core-framebuffer/framebuffer/bench/internal/iceoryx"
	"github.com/core-framebuffer/framebuffer/bench/internal/results"
)

// rival is one way to hand a frame over. Its command is the writer; the writer starts its
// reader, a process of its own, and does what the harness writes to it: see rivals/rival.h.
type rival struct {
	Name    string
	command []string
	helper  []string // a daemon it needs
	build   []string // its compiler, where it needs one
}

func (r rival) kind() string {
	switch {
	case r.Name == ours:
		return results.Ours
	case strings.HasPrefix(r.Name, "limit: "):
		return results.Limit
	}
	return results.Rival
}

const ours = "core-framebuffer"

func rivals(bin string) []rival {
	self := "/proc/self/exe"
	if path, err := os.Executable(); err == nil {
		self = path
	}
	in := func(name string) string { return filepath.Join(bin, name) }
	memcpy := []string{"gcc", "-O3", "-o", in("memcpy"), "rivals/memcpy.c"}
	roudi, copying := iceoryx.Daemon(), iceoryx.Command("rivals/iceoryx.cpp", in("iceoryx"))
	return []rival{
		{ours, []string{self, "rival", "framebuffer", "writer"}, nil, nil},
		{"limit: memcpy of libc", []string{in("memcpy"), "libc"}, nil, memcpy},
		{"limit: cached stores", []string{in("memcpy"), "cached"}, nil, memcpy},
		{"limit: streaming stores in", []string{in("memcpy"), "streaming"}, nil, memcpy},
		{"limit: streaming stores in and out", []string{in("memcpy"), "round"}, nil, memcpy},
		{"limit: copy of Go", []string{self, "rival", "copy", "writer"}, nil, nil},
		{"the original design in Python", []string{"/usr/bin/python3", "rivals/seed.py"}, nil, nil},
		{"Unix socket", []string{self, "rival", "unix", "writer"}, nil, nil},
		{"ZeroMQ ipc", []string{in("zeromq")}, nil, []string{"gcc", "-O3", "-o", in("zeromq"), "rivals/zeromq.c", "-lzmq"}},
		{"NATS payloads", []string{self, "rival", "nats", "writer"}, nil, nil},
		{"Redis, Unix socket", []string{self, "rival", "redis", "writer"}, nil, nil},
		{"iceoryx 2.0.3, copying", []string{in("iceoryx"), "copy"}, roudi, copying},
		{"iceoryx 2.0.3, in place", []string{in("iceoryx"), "touch"}, roudi, copying},
	}
}

// missing says which of the programs that a rival runs is not there.
func (r rival) missing() error {
	if strings.Contains(r.Name, "Redis") {
		if _, err := exec.LookPath("redis-server"); err != nil {
			return err
		}
	}
	if r.helper != nil {
		if _, err := exec.LookPath(r.helper[0]); err != nil {
			return err
		}
	}
	if strings.HasSuffix(r.command[0], "python3") {
		return exec.Command(r.command[0], "-c", "import sysv_ipc, xxhash").Run()
	}
	return nil
}

// buildRivals compiles those in C and C++, and returns those that are there. bench/setup
// installs what they need; what is missing is left out.
func buildRivals(all []rival) (built []rival, leftOut []string) {
	tried := map[string]error{}
	for _, r := range all {
		err := r.missing()
		if err == nil && r.build != nil {
			key := strings.Join(r.build, " ")
			if _, known := tried[key]; !known {
				out, err := exec.Command(r.build[0], r.build[1:]...).CombinedOutput()
				if err != nil {
					log.Printf("%v: %v\n%s", r.build, err, out)
				}
				tried[key] = err
			}
			err = tried[key]
		}
		if err != nil {
			leftOut = append(leftOut, fmt.Sprintf("%s (./setup installs what it needs: %v)", r.Name, err))
			continue
		}
		built = append(built, r)
	}
	return built, leftOut
}

// playRival is what the processes of the rivals in Go run.
func playRival(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: rival NAME writer|reader")
	}
	writer := args[1] == "writer"
	switch args[0] {
	case "framebuffer":
		return framebufferRival(writer)
	case "copy":
		return copyRival(writer)
	case "unix":
		return unixRival(writer)
	case "nats":
		return natsRival(writer)
	case "redis":
		return redisRival(writer)
	}
	return fmt.Errorf("no rival %q", args[0])
}
