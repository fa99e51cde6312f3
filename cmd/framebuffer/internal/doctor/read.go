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

// unknown is what to say of a file that cannot be read: it may forbid nothing.
func unknown(err error) Result {
	return bad(Warn, "mount /proc and /sys as container engines do, or run doctor outside of the sandbox", "cannot be told: %v", err)
}

func (r Result) named(name string) Result {
	r.Name = name
	return r
}

// size is a number of bytes for people.
func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// ringOf is how findings speak of the ring.
func ringOf(n int64) string { return "a ring of " + size(n) }

// text reads a small file without the white space around it.
func (m Machine) text(name string) (string, error) {
	b, err := fs.ReadFile(m.Root, name)
	return strings.TrimSpace(string(b)), err
}

// number reads a file that holds one; what is beyond an int64 is as good as its largest.
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

// noLimit is a resource limit that does not limit.
const noLimit = math.MaxInt64

// resource reads one of this process's resource limits: the soft one, which binds.
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

// field reads the number behind a name in a file of such lines.
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

// meminfo reads a line of /proc/meminfo that is in kB, in bytes.
func (m Machine) meminfo(name string) (int64, error) {
	kb, err := m.field("proc/meminfo", name)
	return kb << 10, err
}

// statusWords returns the words behind a name in /proc/PID/status.
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

// namespace is the inode that names a namespace of a process; 0 where it cannot be read.
func (m Machine) namespace(pid, kind string) uint64 { return procinfo.NamespaceIn(m.Root, pid, kind) }

// missing reports whether an error says that there is no such file.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
