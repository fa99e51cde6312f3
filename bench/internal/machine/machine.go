// Package machine names what was measured on.
package machine

import (
	"fmt"
	"os"
	"strings"
)

// Name is the processor, how many cores of it there are, and the kernel.
func Name() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the line says less
	model, cores := "unknown CPU", 0
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			cores++
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	release, _, _ := strings.Cut(strings.TrimSpace(string(kernel)), "-")
	return fmt.Sprintf("%d cores of %s, Linux %s", cores, model, release)
}
