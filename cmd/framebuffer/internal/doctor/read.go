package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer/internal/procinfo"
)

// Constructors of results. The caller sets the name.

func good(finding string, args ...any) Result {
	return Result{Status: OK, Finding: fmt.Sprintf(finding, args...)}
}

func bad(status Status, remedy, finding string, args ...any) Result {
	return Result{Status: status, Finding: fmt.Sprintf(finding, args...), Remedy: remedy}
}

// unknown returns a warning for a file that cannot be read: it need not forbid anything.
func unknown(err error) Result {
	return bad(Warn, "mount /proc and /sys as container engines do, or run doctor outside of the sandbox", "cannot be told: %v", err)
}

func (r Result) named(name string) Result {
	r.Name = name
	return r
}

// size formats a number of bytes.
func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// ringOf formats the ring's size for findings.
func ringOf(n int64) string { return "a ring of " + size(n) }

// text returns the content of a small file without the white space around it.
func (m Machine) text(name string) (string, error) {
	b, err := fs.ReadFile(m.Root, name)
	return strings.TrimSpace(string(b)), err
}

// number reads a file with one number. Numbers too large for an int64 become the largest int64.
func (m Machine) number(name string) (int64, error) {
	s, err := m.text(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("/%s: %w", name, err)
	}
	return int64(min(n, math.MaxInt64)), nil
}

// noLimit is the value of an unlimited resource.
const noLimit = math.MaxInt64

// resource returns one of this process's soft resource limits, which are those that the kernel
// enforces.
func (m Machine) resource(name string) (soft int64, err error) {
	s, err := m.text("proc/self/limits")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(s) {
		rest, ok := strings.CutPrefix(line, name)
		if f := strings.Fields(rest); ok && len(f) >= 2 {
			if f[0] == "unlimited" {
				return noLimit, nil
			}
			n, err := strconv.ParseInt(f[0], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("/proc/self/limits: %q: %w", name, err)
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("/proc/self/limits: no %q", name)
}

// field returns the number after a name, in a file whose lines are names and numbers.
func (m Machine) field(file, name string) (int64, error) {
	b, err := fs.ReadFile(m.Root, file)
	if err != nil {
		return 0, err
	}
	n, ok := procinfo.Field(b, name)
	if !ok {
		return 0, fmt.Errorf("/%s: no %q", file, name)
	}
	return n, nil
}

// meminfo returns the value of a line in /proc/meminfo that is in kB, converted to bytes.
func (m Machine) meminfo(name string) (int64, error) {
	kb, err := m.field("proc/meminfo", name)
	return kb << 10, err
}

// statusWords returns the words after a name in /proc/PID/status.
func (m Machine) statusWords(pid, name string) ([]string, error) {
	s, err := m.text("proc/" + pid + "/status")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(s) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.Fields(rest), nil
		}
	}
	return nil, fmt.Errorf("/proc/%s/status: no %q", pid, name)
}

// namespace returns the inode that identifies a process's namespace, or 0 if it cannot be read.
func (m Machine) namespace(pid, kind string) uint64 { return procinfo.NamespaceIn(m.Root, pid, kind) }

// missing reports whether an error means that a file does not exist.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
