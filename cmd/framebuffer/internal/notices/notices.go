// Package notices has the licenses of what is linked into the command, as their authors ask of
// all who pass it on. notices.txt is written by generate.go; scripts/check-generated and a test
// notice when a module was added or has another version.
package notices

import (
	_ "embed"
	"strings"
)

//go:generate go run generate.go

//go:embed notices.txt
var text string

// mark begins a line that names a module. Of the same text in several, they follow each other.
const mark = "=== "

// Text is all of it, for people.
func Text() string { return text }

// Modules are those whose licenses there are, as "path version". Go itself is one, what the page
// has of others, and this project.
func Modules() (all []string) {
	for line := range strings.Lines(text) {
		if module, is := strings.CutPrefix(line, mark); is {
			all = append(all, strings.TrimSpace(module))
		}
	}
	return all
}
