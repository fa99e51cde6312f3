// Peer is the Go side of the Python package's tests.
//
// For the soak it is a writer, which puts frames into a ring and prints their descriptors, or a
// reader, which takes descriptors and prints what came of them. python/tests/peer.py is the same in
// Python. With subscribe it takes messages of a topic as it is told: see subscribe.go.
//
// Bytes are compared with what the writer must have written, not with a checksum: a frame
// begins with the writer's number and the frame's, and goes on with a part of a pattern that
// both know and that these choose.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: peer write KEY NUMBER | peer read KEY GO | peer subscribe KEY TOPIC")
	}
	client, err := framebuffer.Attach(os.Args[2], nil)
	if err != nil {
		log.Fatal(err)
	}
	switch os.Args[1] {
	case "write":
		err = write(client, os.Args[3])
	case "subscribe":
		err = subscribe(client, os.Args[3])
	default:
		err = read(client)
	}
	if err != nil {
		log.Fatal(err)
	}
}

const head = 16

// write goes on until it is killed, or nobody reads what it prints.
func write(c *framebuffer.Client, number string) error {
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return err
	}
	p := pattern()
	out := bufio.NewWriter(os.Stdout)
	for seq := uint64(0); ; seq++ {
		f, err := c.Put(payload(p, n, seq))
		if errors.Is(err, framebuffer.ErrTimeout) || errors.Is(err, framebuffer.ErrHoldLimit) {
			continue // that frame is lost
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, f); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// read answers each line with ok and the writer's number, timeout, or wrong and how.
func read(c *framebuffer.Client) error {
	p := pattern()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		f, err := framebuffer.ParseFrame(in.Bytes())
		if err != nil {
			return err
		}
		fmt.Println(look(c, p, f))
	}
	return in.Err()
}

func look(c *framebuffer.Client, p []byte, f framebuffer.Frame) (word string) {
	var err error
	judge := func(data []byte) error { word = judged(p, data); return nil }
	switch f.Offset / 64 % 4 {
	case 0:
		err = c.View(f, judge)
	case 1:
		var h *framebuffer.Hold
		if h, err = c.Hold(f, 20*time.Millisecond); err == nil {
			_ = judge(h.Bytes())
			err = h.Release()
		}
	default:
		var data []byte
		if data, err = c.Get(f); err == nil {
			_ = judge(data)
		}
	}
	if err == nil && f.Offset/64%4 < 2 && word[0] == 'w' {
		// In place nobody sees a store by a process that slept for a lap (docs/guarantees.md), and
		// on a ring as small as this one a busy machine is enough for that. Then the bytes are no
		// frame any more, which a copy is told by its checksum.
		_, err = c.Get(f)
	}
	switch {
	case errors.Is(err, framebuffer.ErrTimeout), errors.Is(err, framebuffer.ErrHoldLimit):
		return "timeout"
	case err != nil:
		return "wrong: " + err.Error()
	}
	return word
}

// judged says whose the bytes are, if they are right.
func judged(p, data []byte) string {
	if len(data) < head {
		return fmt.Sprintf("wrong: %d bytes", len(data))
	}
	n, seq := binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:])
	if !bytes.Equal(data, payload(p, n, seq)) {
		return fmt.Sprintf("wrong: frame %d of writer %d", seq, n)
	}
	return fmt.Sprint("ok ", n)
}

const patternSize = 1 << 20

// pattern is SplitMix64 from 1 on, twice in a row.
func pattern() []byte {
	p := make([]byte, 0, 2*patternSize)
	for state := uint64(1); len(p) < patternSize; {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		p = binary.LittleEndian.AppendUint64(p, z^z>>31)
	}
	return append(p, p...)
}

func payload(p []byte, n, seq uint64) []byte {
	at := (n*7919 + seq*104729) % patternSize
	size := (n*31+seq*7907)%199_999 + 1
	data := binary.LittleEndian.AppendUint64(make([]byte, 0, head+size), n)
	return append(binary.LittleEndian.AppendUint64(data, seq), p[at:at+size]...)
}
