package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/doctor"
)

type doctorCmd struct {
	keyFlag
	Size *byteSize `help:"Size of the ring that must fit (default ${ring_size}; none with --key, whose ring exists)." placeholder:"SIZE"`
	Dir  string    `help:"Directory to check for memfd's socket and file's files (default: that of serve)." placeholder:"DIR"`
}

// Help is shown below the flags.
func (doctorCmd) Help() string {
	return `Prints a line for each check: ok, warn (it works, but not everything that may be wanted
does) or fail (a server with that ring, or attaching with that key, does not work here),
with the remedy below. With --key it also attaches, and lists the processes that are
attached. The status is 1 if a check fails. --json prints an array.

  framebuffer doctor --size 8GiB
  framebuffer doctor --key @/run/framebuffer/default.key`
}

// errUnwell is the error of doctor if a check fails. The printed lines say why.
var errUnwell = errors.New("one or more checks failed")

// Run prints what the checks found.
func (c *doctorCmd) Run(e *env) error {
	ring, err := c.ring()
	if err != nil {
		return err
	}
	key, err := c.text().read(e)
	if err != nil {
		return err
	}
	all := doctor.Examine(doctor.Here(c.Dir), int64(ring), key)
	if err := e.print(all, lines(all)); err != nil {
		return err
	}
	if failed := doctor.Failed(all); len(failed) > 0 {
		return fmt.Errorf("%w: %s", errUnwell, strings.Join(failed, ", "))
	}
	return nil
}

// ring returns the size of the ring that must fit, or 0 if none is to be created.
func (c *doctorCmd) ring() (size byteSize, err error) {
	switch {
	case c.Size != nil:
		return *c.Size, nil
	case c.text().given():
		return 0, nil
	}
	return size, size.UnmarshalText([]byte(ringSize))
}

// lines formats the findings as text. The status comes first, so that problems stand out.
func lines(all []doctor.Result) string {
	width := 0
	for _, r := range all {
		width = max(width, len(r.Name))
	}
	var b strings.Builder
	for _, r := range all {
		fmt.Fprintf(&b, "%-4s  %-*s  %s\n", r.Status, width, r.Name, text(r.Finding))
		if r.Remedy != "" {
			fmt.Fprintf(&b, "      %-*s  remedy: %s\n", width, "", text(r.Remedy))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}
