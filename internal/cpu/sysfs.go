package cpu

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// What a machine may have at most; anything beyond is not believed.
const (
	largest  = 1 << 34 // bytes of a cache
	maxCPUs  = 1 << 14
	maxCache = 16 // cache descriptions of a CPU
)

const cpusDir = "sys/devices/system/cpu"

// found is what the files say about the caches of one CPU. 0 is not known.
type found struct {
	l1d, l2, l3 int
	l3CPUs      []int // sorted
}

func caches(root fs.FS, cpu int) (c found) {
	for i := range maxCache {
		dir := fmt.Sprintf("%s/cpu%d/cache/index%d/", cpusDir, cpu, i)
		level := line(root, dir+"level")
		if level == "" {
			return c
		}
		if line(root, dir+"type") == "Instruction" {
			continue
		}
		size := parseSize(line(root, dir+"size"))
		switch level {
		case "1":
			c.l1d = size
		case "2":
			c.l2 = size
		case "3":
			c.l3, c.l3CPUs = size, parseList(line(root, dir+"shared_cpu_list"))
		}
	}
	return c
}

func online(root fs.FS) []int { return parseList(line(root, cpusDir+"/online")) }

// line returns a short file without the white space around it, or "".
func line(root fs.FS, name string) string {
	f, err := root.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// parseSize reads sizes such as 32768K. It returns 0 for any other text.
func parseSize(s string) int {
	unit := 1
	for suffix, bytes := range map[string]int{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30} {
		if number, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = number, bytes
			break
		}
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > uint64(largest/unit) {
		return 0
	}
	return int(n) * unit
}

// parseList reads lists such as 0-3,8-11, and returns them sorted, each CPU once. It returns none
// for any other text.
func parseList(s string) (all []int) {
	if s == "" {
		return nil
	}
	var is [maxCPUs]bool
	for part := range strings.SplitSeq(s, ",") {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		first, err1 := strconv.ParseUint(from, 10, 16)
		last, err2 := strconv.ParseUint(to, 10, 16)
		if err1 != nil || err2 != nil || first > last || last >= maxCPUs {
			return nil
		}
		for n := first; n <= last; n++ {
			is[n] = true
		}
	}
	for n, there := range is {
		if there {
			all = append(all, n)
		}
	}
	return slices.Clip(all)
}
