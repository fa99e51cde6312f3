// Command mutants breaks one ordering of the protocols at a time, in a copy of the source
// that only the compiler sees (go test -overlay), and runs the tests that must notice. A
// mutant that no test notices is a failure. The same orderings are removed from the models
// in docs/models.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run tries every mutant, or those whose names begin with one of the words.
func run(words []string) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var survivors []string
	for _, m := range mutants() {
		if !wanted(m.name, words) {
			continue
		}
		start := time.Now()
		noticed, err := m.try(dir)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		verdict := "noticed"
		if !noticed {
			verdict = "SURVIVED"
			survivors = append(survivors, m.name)
		}
		fmt.Printf("%-9s %5.1fs  %s\n", verdict, time.Since(start).Seconds(), m.name)
	}
	if len(survivors) > 0 {
		return fmt.Errorf("no test noticed: %s", strings.Join(survivors, ", "))
	}
	return nil
}

func wanted(name string, words []string) bool {
	for _, w := range words {
		if strings.HasPrefix(name, w) {
			return true
		}
	}
	return len(words) == 0
}

// text is the file with the mutant in place, in the source below a directory.
func (m mutant) text(root string) (string, error) {
	source, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	text := string(source)
	for _, e := range m.edits {
		if n := strings.Count(text, e.old); n != 1 {
			return "", fmt.Errorf("%s has %d places like %q, not one: has the code changed?", m.file, n, e.old)
		}
		text = strings.Replace(text, e.old, e.new, 1)
	}
	return text, nil
}

// try reports whether the tests fail with the mutant in place.
func (m mutant) try(dir string) (bool, error) {
	text, err := m.text(".")
	if err != nil {
		return false, err
	}
	changed := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		return false, err
	}
	path, err := filepath.Abs(m.file)
	if err != nil {
		return false, err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		return false, err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return false, err
	}
	tests := filepath.Join(dir, "tests")
	if out, err := exec.Command("go", "test", "-overlay", list, "-c", "-o", tests, m.pkg).CombinedOutput(); err != nil {
		return false, fmt.Errorf("the mutant does not compile: %w\n%s", err, out)
	}
	for range 20 { // a race that is lost is lost soon, but not always at once
		cmd := exec.Command(tests, "-test.timeout=60s", "-test.run", m.test)
		cmd.Dir = m.pkg // as go test has it
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit) && strings.Contains(string(out), "--- FAIL"):
			return true, nil // a test that is not done in time says "panic", and may be a slow machine's
		case err != nil:
			return false, fmt.Errorf("go test: %w\n%s", err, out)
		case strings.Contains(string(out), "no tests to run"):
			return false, fmt.Errorf("no test is called %s", m.test)
		}
	}
	return false, nil
}
