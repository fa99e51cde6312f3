// Command bench hands frames from one process to another, by this library and by its
// rivals, in one run. `make bench` runs it.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
	"github.com/core-framebuffer/framebuffer/bench/internal/results"
)

func main() {
	log.SetFlags(0)
	if probe.Serves() {
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "rival" {
		if err := playRival(os.Args[2:]); err != nil {
			log.Fatalf("%s: %v", os.Args[2:], err)
		}
		return
	}
	out := flag.String("out", "", "folder whose file of this machine the turns are added to, unless only a part is measured; empty: none")
	rounds := flag.Int("rounds", 11, "how often each rival and size is measured")
	lasts := flag.Duration("for", 5*time.Minute, "begin no further round after this time")
	only := flag.String("only", "", "measure only rivals whose name contains this")
	flag.Parse()
	if err := run(*out, *rounds, *lasts, *only); err != nil {
		log.Fatal(err)
	}
}

func run(out string, rounds int, lasts time.Duration, only string) error {
	until := time.Now().Add(lasts)
	bin, err := os.MkdirTemp("", "framebuffer-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	wanted := slices.DeleteFunc(rivals(bin), func(r rival) bool { return !strings.Contains(r.Name, only) })
	built, leftOut := buildRivals(wanted)
	rows, more, err := measure(built, rounds, until)
	if err != nil {
		return err
	}
	leftOut = append(leftOut, more...)
	fmt.Print(results.About(), results.Table(rows))
	for _, what := range leftOut {
		log.Print("left out: ", what)
	}
	if out == "" || only != "" { // a part would replace a whole
		return nil
	}
	return results.Note(out, "handover", "go run .", rows, leftOut)
}
