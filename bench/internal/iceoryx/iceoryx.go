// Package iceoryx builds and runs the rival of that name.
package iceoryx

import (
	"fmt"
	"os"
	"os/exec"
)

// Command compiles one of the rivals' sources, which bench/setup installs the library for.
func Command(source, program string) []string {
	return []string{"g++", "-std=c++14", "-O3", "-I/usr/include/iceoryx/v2.0.3", "-o", program, source,
		"-liceoryx_posh", "-liceoryx_hoofs", "-liceoryx_platform"}
}

// Build runs it.
func Build(source, program string) error {
	args := Command(source, program)
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		_, _ = os.Stderr.Write(out)
		return fmt.Errorf("g++: %w (./setup installs what it needs)", err)
	}
	return nil
}

// Daemon is the command of the process that its programs need.
func Daemon() []string { return []string{"iox-roudi", "-l", "off", "-c", "rivals/roudi.toml"} }
