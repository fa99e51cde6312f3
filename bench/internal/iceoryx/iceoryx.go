// Package iceoryx builds and runs the rival of that name.
package iceoryx

import (
	"fmt"
	"os/exec"
)

// Build compiles one of the rivals' sources, which bench/setup installs the library for.
func Build(source, program string) error {
	cmd := exec.Command("g++", "-std=c++14", "-O3", "-I/usr/include/iceoryx/v2.0.3", "-o", program, source,
		"-liceoryx_posh", "-liceoryx_hoofs", "-liceoryx_platform")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w (./setup installs what it needs)\n%s", cmd.Args, err, out)
	}
	return nil
}

// Daemon is the command of the process that its programs need.
func Daemon() []string { return []string{"iox-roudi", "-l", "off", "-c", "rivals/roudi.toml"} }
