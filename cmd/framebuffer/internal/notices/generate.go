//go:build ignore

// Command generate writes notices.txt: the license files, from the module cache, of all modules
// that are linked into the command on the platforms for which it is built.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const command = "github.com/core-framebuffer/framebuffer/cmd/framebuffer"

// legal matches the names of files with licenses and notices.
var legal = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice|patents)([.-].*)?$`)

func main() {
	log.SetFlags(0)
	log.SetPrefix("notices: ")
	named := map[string][]string{} // modules by their text
	for module, dirs := range linked() {
		text := texts(dirs)
		if text == "" {
			log.Fatalf("%s has no license file: add its license by hand, or remove the module", module)
		}
		named[text] = append(named[text], module)
	}
	for name, file := range map[string]string{
		"Go (its standard library and runtime)": filepath.Join(run("go", "env", "GOROOT"), "LICENSE"),
		"uPlot 1.6.32 (in the page)":            "../web/page/uplot/LICENSE",
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			log.Fatal(err)
		}
		named[tidy(text)] = append(named[tidy(text)], name)
	}
	var parts []string
	for text, modules := range named {
		slices.Sort(modules)
		parts = append(parts, "=== "+strings.Join(modules, "\n=== ")+"\n\n"+text)
	}
	slices.Sort(parts)
	if err := os.WriteFile("notices.txt", []byte(strings.Join(parts, "\n")), 0o644); err != nil {
		log.Fatal(err)
	}
}

// linked maps each module, as "path version", to its folders that are linked, the module's root
// first.
func linked() map[string][]string {
	all := map[string][]string{}
	for _, arch := range []string{"amd64", "arm64"} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}\t{{.Dir}}", command)
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			log.Fatalf("%v: %v", cmd, err)
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(f) != 3 {
				continue // of the standard library
			}
			module, root, dir := strings.TrimSpace(f[0]), f[1], f[2]
			if len(all[module]) == 0 {
				all[module] = []string{root}
			}
			for ; strings.HasPrefix(dir, root+"/"); dir = filepath.Dir(dir) {
				if !slices.Contains(all[module], dir) {
					all[module] = append(all[module], dir)
				}
			}
		}
	}
	return all
}

// texts are the license files in folders, without duplicates.
func texts(dirs []string) string {
	var all []string
	slices.Sort(dirs[1:])
	for _, dir := range dirs {
		files, err := os.ReadDir(dir)
		if err != nil {
			log.Fatal(err)
		}
		for _, f := range files {
			if f.IsDir() || !legal.MatchString(f.Name()) || strings.HasSuffix(f.Name(), ".go") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				log.Fatal(err)
			}
			if text := tidy(text); !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	return strings.Join(all, "\n--- and\n\n")
}

// tidy is a text with line feeds, without trailing blanks, and with one line feed at its end.
func tidy(text []byte) string {
	var b strings.Builder
	for line := range bytes.Lines(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))) {
		fmt.Fprintf(&b, "%s\n", bytes.TrimRight(line, " \t\f\n"))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func run(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		log.Fatalf("%s %v: %v", name, args, err)
	}
	return strings.TrimSpace(string(out))
}
