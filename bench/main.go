// Command bench hands frames from one process to another, by this library and by its
// rivals, in one run, and writes a table, JSON and a chart. `make bench` runs it.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) > 2 && os.Args[1] == "rival" {
		if err := playRival(os.Args[2:]); err != nil {
			log.Fatalf("%s: %v", os.Args[2:], err)
		}
		return
	}
	out := flag.String("out", ".", "folder for handover.md, handover.json and handover.svg")
	rounds := flag.Int("rounds", 11, "how often each rival and size is measured; the median counts")
	only := flag.String("only", "", "measure only rivals whose name contains this")
	flag.Parse()
	if err := run(*out, *rounds, *only); err != nil {
		log.Fatal(err)
	}
}

func run(out string, rounds int, only string) error {
	bin, err := os.MkdirTemp("", "framebuffer-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	if err := buildRivals(bin); err != nil {
		return err
	}
	res, err := measure(rivals(bin), rounds, only)
	if err != nil {
		return err
	}
	for name, write := range map[string]func(string, *results) error{
		"handover.md": writeMarkdown, "handover.json": writeJSON, "handover.svg": writeChart,
	} {
		if err := write(filepath.Join(out, name), res); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(out, "handover.md"))
	if err != nil {
		return err
	}
	fmt.Print(string(text))
	return nil
}
