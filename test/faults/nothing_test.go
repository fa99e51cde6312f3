//go:build failpoints

package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// hot are functions that every frame goes through.
const hot = `^github.com/core-framebuffer/framebuffer/(internal/(ring|topics)|topic)\.\(\*(Ring|Hold|Topic|Publisher|Subscription)\)\.(Allocate|Write|Read|Finish|View|Hold|Extend|Publish|PublishFrame|Load|Sleep|Next)$`

// Without the build tag the hot functions have the same instructions as when every call is
// deleted from the source, and the program does not contain the name of a single point.
func TestNothingIsLeft(t *testing.T) {
	dir, root := t.TempDir(), moduleRoot(t)
	with, without := filepath.Join(dir, "with"), filepath.Join(dir, "without")
	build(t, root, with)
	build(t, root, without, "-overlay", stripped(t, root, dir))
	got, want := disassembly(t, with), disassembly(t, without)
	if len(want) < 10_000 || !bytes.Equal(got, want) {
		t.Errorf("the hot functions are %d bytes of assembly with the calls and %d without; they must be the same", len(got), len(want))
	}
	program, err := os.ReadFile(with)
	if err != nil {
		t.Fatal(err)
	}
	points, err := os.ReadFile("../../internal/failpoint/points.go")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`= "(\w+/\w+)"`).FindAllSubmatch(points, -1)
	for _, p := range all {
		if bytes.Contains(program, p[1]) {
			t.Errorf("%s is in the program", p[1])
		}
	}
	if len(all) < 50 {
		t.Errorf("only %d points were found: has the list changed its form?", len(all))
	}
}

func moduleRoot(t *testing.T) string {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func build(t *testing.T, root, to string, flags ...string) {
	cmd := testproc.Command("go", append(append([]string{"build"}, flags...), "-o", to, "./cmd/framebuffer")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

// stripped is an overlay of the source without the calls.
func stripped(t *testing.T, root, dir string) string {
	call := regexp.MustCompile(`(; )?failpoint\.Hit\(failpoint\.\w+\)(; )?`)
	replace := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil || !call.Match(source) {
			return err
		}
		source = call.ReplaceAllFunc(source, func(c []byte) []byte {
			if bytes.HasPrefix(c, []byte("; ")) && bytes.HasSuffix(c, []byte("; ")) {
				return []byte("; ")
			}
			return nil
		})
		source = bytes.Replace(source, []byte("\t\"github.com/core-framebuffer/framebuffer/internal/failpoint\"\n"), nil, 1)
		changed := filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(path, root), "/", "+"))
		replace[path] = changed
		return os.WriteFile(changed, source, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(replace) < 10 {
		t.Fatalf("calls were found in %d files only", len(replace))
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// disassembly is the instructions of the hot functions without what differs for reasons of
// place: lines, addresses, and the encoding of both. In a sum of two registers it is chance which
// the compiler names first, and so is the order of registers that it saves on the stack in a row.
func disassembly(t *testing.T, program string) []byte {
	out, err := testproc.Command("go", "tool", "objdump", "-s", hot, program).Output()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	var saved []string // what is saved in a row
	end := func() {
		slices.Sort(saved)
		b.WriteString(strings.Join(saved, ""))
		saved = saved[:0]
	}
	save := regexp.MustCompile(`^MOVQ [A-Z]\w+, X\(SP\)\n$`)
	hex, sum := regexp.MustCompile(`0x[0-9a-f]+`), regexp.MustCompile(`\((\w+)\)\((\w+)\*1\)`)
	sorted := func(s string) string {
		m := sum.FindStringSubmatch(s)
		return fmt.Sprintf("(%s)(%s*1)", min(m[1], m[2]), max(m[1], m[2]))
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.SplitN(line, "\t", 2); !strings.HasPrefix(line, "TEXT") && len(f) == 2 {
			f := strings.Fields(line)
			text := sum.ReplaceAllStringFunc(hex.ReplaceAllString(strings.Join(f[3:], " "), "X"), sorted) + "\n"
			if save.MatchString(text) {
				saved = append(saved, text)
				continue
			}
			end()
			b.WriteString(text)
		}
	}
	end()
	return b.Bytes()
}
