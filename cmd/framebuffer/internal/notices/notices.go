// Package notices has the licenses of the modules linked into the command, which must be
// distributed with it. generate.go writes notices.txt; scripts/check-generated and a test fail if a
// module was added or has another version.
package notices

import (
	_ "embed"
	"strings"
)

//go:generate go run generate.go

//go:embed notices.txt
var text string

// mark begins a line that names a module. Modules with the same text follow each other.
const mark = "=== "

// Text returns all licenses.
func Text() string { return text }

// Modules returns the modules that have a license in the text, as "path version". Go, the libraries
// of the web page and this project are among them.
func Modules() (all []string) {
	for line := range strings.Lines(text) {
		if module, is := strings.CutPrefix(line, mark); is {
			all = append(all, strings.TrimSpace(module))
		}
	}
	return all
}
