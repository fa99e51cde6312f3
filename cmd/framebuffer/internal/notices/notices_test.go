package notices

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// There are the licenses of exactly those modules that are linked into the command.
func TestEveryLinkedModuleHasItsNotice(t *testing.T) {
	testproc.NeedTools(t, "go")
	linked := map[string]bool{"Go (its standard library and runtime)": true, "uPlot 1.6.32 (in the page)": true}
	for _, arch := range []string{"amd64", "arm64"} {
		cmd := testproc.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", "../..")
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", cmd, err)
		}
		for module := range strings.Lines(string(out)) {
			if module = strings.TrimSpace(module); module != "" {
				linked[module] = true
			}
		}
	}
	named := Modules()
	for module := range linked {
		if !slices.Contains(named, module) {
			t.Errorf("%s is linked, and its license is not in notices.txt: go generate ./cmd/framebuffer/internal/notices", module)
		}
	}
	for _, module := range named {
		if !linked[module] {
			t.Errorf("%s is in notices.txt, and is not linked: go generate ./cmd/framebuffer/internal/notices", module)
		}
	}
	for _, words := range []string{"Apache License", "MIT License", "The Go Authors"} {
		if !strings.Contains(Text(), words) {
			t.Errorf("notices.txt says nothing of %q", words)
		}
	}
}
