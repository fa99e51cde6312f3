package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// frameSize is what the processes write and read, and quota how many each.
const (
	frameSize = 1 << 20
	quota     = 1000
)

// growthByProcesses prints what several processes move together, and what as many move that
// copy, each into memory of its own.
func growthByProcesses(turns int) error {
	fmt.Println("\n| processes | writing, GB/s together | copying in | reading, verified | copying out |")
	fmt.Println("| ---: | ---: | ---: | ---: | ---: |")
	server, err := framebuffer.NewServer(ring, nil)
	if err != nil {
		return err
	}
	defer server.Close()
	for _, n := range []int{1, 2, 4, 8} {
		fmt.Printf("| %d |", n)
		roles := []string{"write", "copy in", "read", "copy out"}
		all := make([][]float64, len(roles))
		for range max(turns/3, 3) {
			for i, role := range roles {
				gbs, err := together(server, role, n)
				if err != nil {
					return err
				}
				all[i] = append(all[i], gbs)
			}
		}
		for _, some := range all {
			slices.Sort(some)
			fmt.Printf(" %.1f |", some[len(some)/2])
		}
		fmt.Println()
	}
	return nil
}

// together starts n processes, lets them go at once and returns what they moved.
func together(server *framebuffer.Server, role string, n int) (float64, error) {
	type proc struct {
		cmd *exec.Cmd
		in  io.WriteCloser
		out *bufio.Reader
	}
	var all []proc
	for range n {
		cmd := exec.Command("/proc/self/exe", "-role", role, "-key", server.Key())
		cmd.Stderr = os.Stderr
		in, err1 := cmd.StdinPipe()
		out, err2 := cmd.StdoutPipe()
		if err := errors.Join(err1, err2, cmd.Start()); err != nil {
			return 0, err
		}
		all = append(all, proc{cmd, in, bufio.NewReader(out)})
	}
	if role == "read" {
		frames, err := fill(server.Key())
		if err != nil {
			return 0, err
		}
		for _, p := range all {
			if err := json.NewEncoder(p.in).Encode(frames); err != nil {
				return 0, err
			}
		}
	}
	for _, p := range all { // ready, their mappings populated
		if _, err := p.out.ReadString('\n'); err != nil {
			return 0, err
		}
	}
	begin := time.Now()
	for _, p := range all {
		if _, err := fmt.Fprintln(p.in, "go"); err != nil {
			return 0, err
		}
	}
	for _, p := range all {
		if _, err := p.out.ReadString('\n'); err != nil {
			return 0, err
		}
	}
	took := time.Since(begin)
	for _, p := range all {
		if err := errors.Join(p.in.Close(), p.cmd.Wait()); err != nil {
			return 0, err
		}
	}
	return float64(n) * quota * frameSize / took.Seconds() / 1e9, nil
}

// fill puts as many frames into the ring as stay alive together.
func fill(key string) ([]framebuffer.Frame, error) {
	client, err := framebuffer.Attach(key, nil)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	frames := make([]framebuffer.Frame, ring/(frameSize+64)-1)
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
func hammer(role, key string) error {
	client, err := framebuffer.Attach(key, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	data := make([]byte, frameSize)
	// A process that loses its core for a whole lap in the middle of a frame writes it again;
	// only frames that are whole count.
	do := func(int) error {
		for {
			if _, err := client.Put(data); !errors.Is(err, framebuffer.ErrTimeout) {
				return err
			}
		}
	}
	in := bufio.NewReader(os.Stdin)
	// Of eight that take turns each is at every place by then, and has its pages.
	laps := 4 * ring / frameSize
	switch role {
	case "copy in", "copy out":
		mem, err := sharedMemory(ring / 4) // cold enough, and there are eight of them
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
	for i := range quota {
		if err := do(i); err != nil {
			return err
		}
	}
	fmt.Println("done")
	return nil
}
