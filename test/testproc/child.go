package testproc

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// Child is the child's side of a Proc.
type Child struct {
	Args []string
	in   *bufio.Reader
}

// Roles maps names to what a child does. A role's error is printed and fails the process.
type Roles map[string]func(*Child) error

// Main goes into TestMain: it plays a role if this process is a child, and otherwise runs
// the tests.
func Main(m *testing.M, roles Roles) {
	name := os.Getenv(roleVar)
	if name == "" {
		os.Exit(Run(m))
	}
	if err := filteredPlay(name, roles); err != nil {
		fmt.Fprintf(os.Stderr, "%s (pid %d): %v\n", name, os.Getpid(), err)
		os.Exit(1)
	}
	os.Exit(0)
}

// filteredPlay plays under the filter of system calls that the environment asks for.
func filteredPlay(name string, roles Roles) error {
	if err := Filter(); err != nil {
		return err
	}
	return play(name, roles)
}

func play(name string, roles Roles) error {
	role, ok := roles[name]
	if !ok {
		return fmt.Errorf("no such role among %d", len(roles))
	}
	c := &Child{in: bufio.NewReader(os.Stdin)}
	if err := json.Unmarshal([]byte(os.Getenv(argsVar)), &c.Args); err != nil {
		return fmt.Errorf("arguments: %w", err)
	}
	return role(c)
}

// Send gives the parent v.
func (c *Child) Send(v any) error { return writeJSON(os.Stdout, v) }

// Recv waits for the parent's next message; io.EOF when there is none to come.
func (c *Child) Recv(v any) error { return readJSON(c.in, v) }

// Park waits until the parent closes the child's input or is gone.
func (c *Child) Park() error {
	for {
		if _, err := c.in.ReadByte(); err != nil {
			return nil //nolint:nilerr // the end of input is what was waited for
		}
	}
}
