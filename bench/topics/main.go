// Command topics measures publish and subscribe through a topic beside the least that the
// machine allows and beside iceoryx, taking turns in one run, and prints Markdown.
//
//	cd bench && ./setup && go run ./topics -out results
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
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
	if len(os.Args) == 3 && os.Args[1] == "play" {
		if err := play(os.Args[2]); err != nil {
			log.Fatalf("%s: %v", os.Args[2], err)
		}
		return
	}
	out := flag.String("out", "", "folder whose file of this machine the turns are added to, unless only a part is measured; empty: none")
	rounds := flag.Int("rounds", 31, "how often each is measured")
	lasts := flag.Duration("for", 10*time.Minute, "begin no further round after this time")
	only := flag.String("only", "", "measure only these parts, separated by commas: pairs, fan")
	match := flag.String("match", "", "and of those only what has a name that matches this regular expression")
	flag.Parse()
	if err := measure(*out, *rounds, *lasts, *only, *match); err != nil {
		log.Fatal(err)
	}
}

func measure(out string, rounds int, lasts time.Duration, only, match string) (err error) {
	bin, err := os.MkdirTemp("", "framebuffer-topics-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	named, err := regexp.Compile(match)
	if err != nil {
		return fmt.Errorf("-match: %w", err)
	}
	start := time.Now()
	r, err := newRun(rounds, named)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.prober.Close()) }()
	for _, part := range []struct {
		name  string
		do    func(bin string) error
		until float64 // of the time
	}{
		{"pairs", r.measurePairs, 0.9},
		{"fan", r.measureFan, 1},
	} {
		if only != "" && !strings.Contains(","+only+",", ","+part.name+",") {
			continue
		}
		r.until = start.Add(time.Duration(float64(lasts) * part.until))
		if err := part.do(bin); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	fmt.Print(results.About(), results.Table(r.rows))
	for _, what := range r.leftOut {
		log.Print("left out: ", what)
	}
	if out == "" || only != "" || match != "" { // a part would replace a whole
		return nil
	}
	return results.Note(out, "topics", "go run ./topics", r.rows, r.leftOut)
}
