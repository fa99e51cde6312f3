package system_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/guarantees.md and bench/faults.md name is there, and every promise and fault names one.
func TestGuaranteesNameTheirTests(t *testing.T) {
	text, err := os.ReadFile("../../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	faults, err := os.ReadFile("../../bench/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	have := testsInTree(t)
	promises, _, _ := strings.Cut(string(text), "## What is not promised")
	var lines []string // a promise or a fault each, with the names of its tests
	for part := range strings.SplitSeq(promises, "\n\n") {
		if list, found := strings.CutPrefix(part, "- "); found {
			lines = append(lines, strings.Split(list, "\n- ")...)
		}
	}
	if len(lines) < 50 {
		t.Errorf("only %d promises were found: has the list changed its form?", len(lines))
	}
	for line := range strings.Lines(string(faults)) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| fault") && !strings.HasPrefix(line, "| ---") {
			lines = append(lines, line)
		}
	}
	for _, line := range lines {
		names := testNames().FindAllStringSubmatch(line, -1)
		if len(names) == 0 {
			t.Errorf("a promise without a test: %s", line)
		}
		for _, n := range names {
			for part := range strings.SplitSeq(n[1], "/") {
				if !have[part] {
					t.Errorf("no test %s: %s", n[1], line)
				}
			}
		}
	}
}

// Every test that docs/security.md names is there, and each attacker has some.
func TestSecurityNamesItsTests(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	have := testsInTree(t)
	attackers := 0
	for line := range strings.Lines(string(text)) {
		names := testNames().FindAllStringSubmatch(line, -1)
		if strings.Count(line, " | ") == 4 && !strings.HasPrefix(line, "| | attacker") && !strings.HasPrefix(line, "| ---") {
			if attackers++; len(names) == 0 {
				t.Errorf("an attacker without a test: %s", line)
			}
		}
		for _, n := range names {
			if !have[n[1]] {
				t.Errorf("no test %s: %s", n[1], line)
			}
		}
	}
	if attackers < 6 {
		t.Errorf("only %d attackers were found: has the table changed its form?", attackers)
	}
}

// testNames finds names of tests, as documents have them.
func testNames() *regexp.Regexp {
	return regexp.MustCompile("`((?:Test|Fuzz)[\\w/]+|test_\\w+(?:\\.py)?)`")
}

// testsInTree are the names of all tests.
func testsInTree(t *testing.T) map[string]bool {
	t.Helper()
	have := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), "test_") {
			have[d.Name()] = true
		}
		if err != nil || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".py") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^(?:func|def) ((?:Test|Fuzz|test_)\w+)\(|(?:^\t+|t\.Run\()"(\w+)"`).FindAllSubmatch(source, -1) {
			have[string(m[1])+string(m[2])] = true // functions, and subtests in tables of them
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return have
}
