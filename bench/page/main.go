// Command page makes the pages of all machines' files anew: results/README.md, and the figures
// in the repository's README.
//
//	cd bench && go run ./page
package main

import (
	"log"
	"os"

	"github.com/core-framebuffer/framebuffer/bench/internal/results"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	if err := results.WritePage("results"); err != nil {
		return err
	}
	all, err := results.Load("results")
	if err != nil {
		return err
	}
	const name = "../README.md"
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	with, err := results.InReadme(string(text), all)
	if err != nil {
		return err
	}
	return os.WriteFile(name, []byte(with), 0o644)
}
