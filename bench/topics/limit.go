package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// startLimits builds and starts the players in C, which share memory as large as the largest
// ring.
func startLimits(bin string) (*pair, error) {
	program := filepath.Join(bin, "limit")
	cmd := exec.Command("gcc", "-O3", "-o", program, "rivals/limit.c")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	fd, err := unix.MemfdCreate("limit", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	memory := os.NewFile(uintptr(fd), "limit")
	if err := unix.Ftruncate(fd, 256*mib); err != nil {
		return nil, errors.Join(err, memory.Close())
	}
	p, err := startPair(sayWords, []*os.File{memory}, program)
	return p, errors.Join(err, memory.Close())
}

// sayWords is for the players in C and C++.
func sayWords(t task) string {
	return fmt.Sprintf("%s %d %d %d %s %d %s", t.Do, t.Size, t.Count, max(t.Window, 1), cmp.Or(t.Touch, touchEnds), t.Ring, cmp.Or(t.Way, "-"))
}
