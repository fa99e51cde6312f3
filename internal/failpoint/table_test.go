package failpoint_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every point is hit somewhere in the code, and has a row in docs/crash.md that says what a death there
// leaves and what recovers it; and there is no row without a point.
func TestEveryPointIsInTheTable(t *testing.T) {
	source, err := os.ReadFile("points.go")
	if err != nil {
		t.Fatal(err)
	}
	points := map[string]string{} // the constant, by its value
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+)\s+Point = "(\w+/\w+)"`).FindAllStringSubmatch(string(source), -1) {
		if other := points[m[2]]; other != "" {
			t.Errorf("%s and %s are both %s", other, m[1], m[2])
		}
		points[m[2]] = m[1]
	}
	if n := strings.Count(string(source), "Point = "); n != len(points) {
		t.Fatalf("%d points were found of %d", len(points), n)
	}
	table, err := os.ReadFile("../../docs/crash.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for line := range strings.Lines(string(table)) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.TrimSpace(line), "|")
		for step := range strings.SplitSeq(cells[1], ",") {
			name := strings.Trim(strings.TrimSpace(step), "`")
			if points[name] == "" || rows[name] {
				t.Errorf("a row for %s, which is not a point, or has a row already", name)
			}
			rows[name] = true
		}
		if len(cells) != 5 || len(strings.TrimSpace(cells[2])) < 3 || len(strings.TrimSpace(cells[3])) < 3 {
			t.Errorf("a row that does not say what is left and what recovers it: %s", line)
		}
	}
	for name := range points {
		if !rows[name] {
			t.Errorf("no row for %s", name)
		}
	}
	hit := hits(t)
	for name, constant := range points {
		if !hit[constant] {
			t.Errorf("%s is never hit", name)
		}
	}
}

// hits are the points that the code passes.
func hits(t *testing.T) map[string]bool {
	hit := map[string]bool{}
	call := regexp.MustCompile(`failpoint\.Hit\(failpoint\.(\w+)\)`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range call.FindAllSubmatch(source, -1) {
			hit[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hit
}
