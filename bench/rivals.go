package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/core-framebuffer/framebuffer/bench/internal/iceoryx"
)

// rival is one way to hand a frame over. Its command is the writer; the writer starts its
// reader, a process of its own, and does what the harness writes to it: see rivals/rival.h.
type rival struct {
	Name     string
	Verifies bool // whether the reader knows that the bytes are those that were written
	Copies   bool // whether the payload is copied in and out
	Polls    bool // whether the reader polls, occupying a core, or sleeps
	command  []string
	helper   []string // a daemon it needs
}

func rivals(bin string) []rival {
	self := "/proc/self/exe"
	if path, err := os.Executable(); err == nil {
		self = path
	}
	return []rival{
		{"core-framebuffer", true, true, false, []string{self, "rival", "framebuffer", "writer"}, nil},
		{"limit: memcpy of libc", false, true, false, []string{filepath.Join(bin, "memcpy")}, nil},
		{"limit: copy of Go", false, true, false, []string{self, "rival", "copy", "writer"}, nil},
		{"the original design in Python", true, true, false, []string{"/usr/bin/python3", "rivals/seed.py"}, nil},
		{"Unix socket", false, true, false, []string{self, "rival", "unix", "writer"}, nil},
		{"ZeroMQ ipc", false, true, false, []string{filepath.Join(bin, "zeromq")}, nil},
		{"NATS payloads", false, true, false, []string{self, "rival", "nats", "writer"}, nil},
		{"Redis, Unix socket", false, true, false, []string{self, "rival", "redis", "writer"}, nil},
		{"iceoryx 2.0.3, copying", false, true, true, []string{filepath.Join(bin, "iceoryx"), "copy"}, iceoryx.Daemon()},
		{"iceoryx 2.0.3, in place", false, false, true, []string{filepath.Join(bin, "iceoryx"), "touch"}, iceoryx.Daemon()},
	}
}

// buildRivals compiles the rivals in C and C++. bench/setup installs what they need.
func buildRivals(bin string) error {
	for _, args := range [][]string{
		{"gcc", "-O3", "-march=native", "-o", filepath.Join(bin, "memcpy"), "rivals/memcpy.c"},
		{"gcc", "-O3", "-o", filepath.Join(bin, "zeromq"), "rivals/zeromq.c", "-lzmq"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w (./setup installs what it needs)\n%s", args, err, out)
		}
	}
	return iceoryx.Build("rivals/iceoryx.cpp", filepath.Join(bin, "iceoryx"))
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
