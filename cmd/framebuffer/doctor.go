package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/doctor"
)

type doctorCmd struct {
	keyFlag
	Size *byteSize `help:"Size of the ring that is to fit (default ${ring_size}; none with --key, since that ring is made already)." placeholder:"SIZE"`
	Dir  string    `help:"Directory to look at for memfd's socket and file's files (default: where serve makes them)." placeholder:"DIR"`
}

// Help is shown below the flags.
func (doctorCmd) Help() string {
	return `A line for each thing that was looked at: ok, warn (works, but something else
that may be wanted does not) or fail (a server with that ring, or attaching with
that key, does not work here), and below it the remedy. Exit status 1 with any
fail. --json prints an array.`
}

// errUnwell is the command's end if a check fails. The lines say why.
var errUnwell = errors.New("something does not work here")

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

// ring is the size to look for.
func (c *doctorCmd) ring() (size byteSize, err error) {
	switch {
	case c.Size != nil:
		return *c.Size, nil
	case c.text().given():
		return 0, nil
	}
	return size, size.UnmarshalText([]byte(ringSize))
}

// lines are the findings for people: the status first, so that the eye finds what is wrong.
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
