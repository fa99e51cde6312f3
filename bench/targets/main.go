// Command targets measures this library against plain copies, taking turns in one run:
// operations by size, which -out adds to the file of this machine, then how cost grows with the
// ring and with the number of clients and processes, for bench/operations.md.
package main

import (
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
	"github.com/core-framebuffer/framebuffer/bench/internal/results"
)

const ring = 512 << 20

func main() {
	log.SetFlags(0)
	turns := flag.Int("turns", 21, "repetitions; the medians count")
	lasts := flag.Duration("for", 5*time.Minute, "of sizes, take no more than three turns after this time")
	only := flag.String("only", "", "one table: sizes, rings, clients or processes")
	out := flag.String("out", "", "folder whose file of this machine the sizes are added to; empty: none")
	role := flag.String("role", "", "for the processes that this command starts itself")
	key := flag.String("key", "", "likewise")
	size := flag.Int64("size", ring, "likewise, of the ring in bytes")
	flag.Parse()
	if *role != "" {
		if err := hammer(*role, *key, *size); err != nil {
			log.Fatal(err)
		}
		return
	}
	if again, err := machine.Apart(); err != nil {
		log.Fatal(err)
	} else if again {
		return
	}
	if err := run(*turns, *lasts, *only, *out); err != nil {
		log.Fatal(err)
	}
}

func run(turns int, lasts time.Duration, only, out string) error {
	tables := []struct {
		name  string
		print func(turns int) error
	}{
		{"sizes", func(turns int) error { return printSizes(turns, lasts, out) }},
		{"rings", growthByRing}, {"clients", growthByClients}, {"processes", growthByProcesses},
	}
	known := only == ""
	for _, t := range tables {
		if only == "" || only == t.name {
			known = true
			if err := t.print(turns); err != nil {
				return err
			}
		}
	}
	if !known {
		return fmt.Errorf("there is no table %q: sizes, rings, clients, processes", only)
	}
	return nil
}

func printSizes(turns int, lasts time.Duration, out string) error {
	rows, err := bySize(turns, time.Now().Add(lasts))
	if err != nil {
		return err
	}
	fmt.Print(results.About(), results.Table(rows))
	var leftOut []string
	if libc == nil {
		leftOut = append(leftOut, "memcpy of libc beside single operations (no C compiler)")
	}
	if out == "" {
		return nil
	}
	return results.Note(out, "operations", "go run ./targets -only sizes", rows, leftOut)
}
