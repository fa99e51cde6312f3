package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// frameSize is what the processes write and read, and quota how many each.
const (
	frameSize = 1 << 20
	quota     = 1000
)

// growthByProcesses prints what several processes move together through rings of several sizes, how
// many of 1,000 frames the writers wrote again, and what as many processes move that copy, each into
// memory of its own.
func growthByProcesses(turns int) error {
	fmt.Println("\n| ring | processes | writing, GB/s together | written again, of 1,000 | copying in | reading, verified | copying out |")
	fmt.Println("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, size := range []int64{16 << 20, 64 << 20, ring} {
		if err := growthInRing(size, turns); err != nil {
			return err
		}
	}
	return nil
}

// growthInRing is the rows of a ring of that size.
func growthInRing(size int64, turns int) error {
	server, err := framebuffer.NewServer(size, nil)
	if err != nil {
		return err
	}
	defer server.Close()
	for _, n := range []int{1, 2, 4, 8, 16} {
		if size < int64(4*n*frameSize) { // the writers' frames would fill it
			continue
		}
		roles := []string{"write", "copy in", "read", "copy out"}
		all := make([][]moved, len(roles))
		for range max(turns/3, 3) {
			for i, role := range roles {
				m, err := together(server.Key(), size, role, n)
				if err != nil {
					return err
				}
				all[i] = append(all[i], m)
			}
		}
		fmt.Printf("| %d MiB | %d |", size>>20, n)
		for i, some := range all {
			slices.SortFunc(some, func(a, b moved) int { return cmp.Compare(a.gbs, b.gbs) })
			fmt.Printf(" %.1f |", some[len(some)/2].gbs)
			if i == 0 {
				slices.SortFunc(some, func(a, b moved) int { return cmp.Compare(a.again, b.again) })
				fmt.Printf(" %.1f |", some[len(some)/2].again)
			}
		}
		fmt.Println()
	}
	return nil
}

// moved is what processes moved together: gigabytes a second, and frames of 1,000 that were written
// again because the ring had reused their place before they were whole.
type moved struct{ gbs, again float64 }

// together starts n processes, lets them go at once and returns what they moved.
func together(key string, size int64, role string, n int) (m moved, err error) {
	type proc struct {
		cmd *exec.Cmd
		in  io.WriteCloser
		out *bufio.Reader
	}
	var all []proc
	for range n {
		cmd := exec.Command("/proc/self/exe", "-role", role, "-key", key, "-size", strconv.FormatInt(size, 10))
		cmd.Stderr = os.Stderr
		in, err1 := cmd.StdinPipe()
		out, err2 := cmd.StdoutPipe()
		if err := errors.Join(err1, err2, cmd.Start()); err != nil {
			return m, err
		}
		all = append(all, proc{cmd, in, bufio.NewReader(out)})
	}
	if role == "read" {
		frames, err := fill(key, size)
		if err != nil {
			return m, err
		}
		for _, p := range all {
			if err := json.NewEncoder(p.in).Encode(frames); err != nil {
				return m, err
			}
		}
	}
	for _, p := range all { // ready, their mappings populated
		if _, err := p.out.ReadString('\n'); err != nil {
			return m, err
		}
	}
	begin := time.Now()
	for _, p := range all {
		if _, err := fmt.Fprintln(p.in, "go"); err != nil {
			return m, err
		}
	}
	for _, p := range all {
		var again float64
		if _, err := fmt.Fscanln(p.out, &again); err != nil {
			return m, err
		}
		m.again += again * 1000 / quota / float64(n)
	}
	took := time.Since(begin)
	for _, p := range all {
		if err := errors.Join(p.in.Close(), p.cmd.Wait()); err != nil {
			return m, err
		}
	}
	m.gbs = float64(n) * quota * frameSize / took.Seconds() / 1e9
	return m, nil
}

// fill puts as many frames into the ring as stay alive together.
func fill(key string, size int64) ([]framebuffer.Frame, error) {
	client, err := framebuffer.Attach(key, nil)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	frames := make([]framebuffer.Frame, size/(frameSize+64)-1)
	data := make([]byte, frameSize)
	for i := range frames {
		if frames[i], err = client.Put(data); err != nil {
			return nil, err
		}
	}
	return frames, nil
}

// hammer is one of the processes: it prepares by going round, which maps pages, says
// that it is ready, and does its quota when it is told to.
func hammer(role, key string, size int64) error {
	client, err := framebuffer.Attach(key, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	data := make([]byte, frameSize)
	// A process that loses its core for a whole lap in the middle of a frame writes it again;
	// only frames that are whole count.
	again := 0
	do := func(int) error {
		for ; ; again++ {
			if _, err := client.Put(data); !errors.Is(err, framebuffer.ErrTimeout) {
				return err
			}
		}
	}
	in := bufio.NewReader(os.Stdin)
	// Of eight that take turns each is at every place by then, and has its pages.
	laps := int(4 * size / frameSize)
	switch role {
	case "copy in", "copy out":
		mem, err := sharedMemory(int(min(size, ring/4))) // at most so much: there are many of them
		if err != nil {
			return err
		}
		plain := &cold{mem: mem}
		do = func(int) error { copy(plain.next(frameSize), data); return nil }
		if role == "copy out" {
			do = func(int) error { copy(data, plain.next(frameSize)); return nil }
		}
	case "read":
		var frames []framebuffer.Frame
		line, err := in.ReadBytes('\n')
		if err != nil {
			return err
		}
		if err := json.Unmarshal(line, &frames); err != nil {
			return err
		}
		laps = len(frames)
		do = func(i int) error {
			f := frames[i%len(frames)]
			return client.ReadInto(data, f.Offset, f.Checksum)
		}
	}
	for i := range laps {
		if err := do(i); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	again = 0
	for i := range quota {
		if err := do(i); err != nil {
			return err
		}
	}
	fmt.Println(again)
	return nil
}
