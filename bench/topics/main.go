// Command topics measures publish and subscribe through a topic beside a bare hand-over in
// shared memory and beside iceoryx, taking turns in one run, and prints Markdown.
//
//	cd bench && ./setup && go run ./topics
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/core-framebuffer/framebuffer/bench/internal/samples"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) > 2 && os.Args[1] == "play" {
		// Those who are to be pinned have two words, the others one more.
		if err := play(os.Args[len(os.Args)-1], len(os.Args) == 3); err != nil {
			log.Fatalf("%s: %v", os.Args[2:], err)
		}
		return
	}
	out := flag.String("out", ".", "folder for topics.md and topics.json; empty writes none")
	rounds := flag.Int("rounds", 31, "how often each is measured; the median counts")
	only := flag.String("only", "", "measure only these parts, separated by commas: pairs, fan")
	match := flag.String("match", "", "and of those only what has a name that matches this regular expression")
	flag.Parse()
	if err := run(*out, *rounds, *only, *match); err != nil {
		log.Fatal(err)
	}
}

func run(out string, rounds int, only, match string) error {
	bin, err := os.MkdirTemp("", "framebuffer-topics-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	named, err := regexp.Compile(match)
	if err != nil {
		return fmt.Errorf("-match: %w", err)
	}
	res := newResults(rounds, named)
	for _, part := range []struct {
		name string
		do   func(bin string, res *results) error
	}{
		{"pairs", measurePairs},
		{"fan", measureFan},
	} {
		if only != "" && !strings.Contains(","+only+",", ","+part.name+",") {
			continue
		}
		if err := part.do(bin, res); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	text := res.markdown()
	fmt.Print(text)
	if out == "" || only != "" || match != "" { // a part is no report
		return nil
	}
	if err := os.WriteFile(filepath.Join(out, "topics.md"), []byte(text), 0o644); err != nil {
		return err
	}
	return samples.WriteJSON(filepath.Join(out, "topics.json"), res)
}
