package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// growthByRing prints what a write of 64 KiB and the starts cost by the size of the ring, and
// beside it what a plain copy into the same memory costs: larger memory is slower memory.
func growthByRing(turns int) error {
	fmt.Println("\n| ring | start | attach | Allocate + Write 64 KiB | a copy of it to there | ReadInto 64 KiB | a copy of it from there |")
	fmt.Println("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, size := range []int64{1 << 20, 16 << 20, 256 << 20, 1 << 30, 4 << 30, 16 << 30} {
		begin := time.Now()
		server, err := framebuffer.NewServer(size, nil)
		if err != nil {
			return err
		}
		started := time.Since(begin)
		begin = time.Now()
		client, err := framebuffer.Attach(server.Key(), nil)
		if err != nil {
			return err
		}
		attached := time.Since(begin)
		data := make([]byte, 64<<10)
		for range int(size) / len(data) { // the first lap maps pages
			if _, err := client.Put(data); err != nil {
				return err
			}
		}
		var writes, reads, in, out []time.Duration
		frames := make([]framebuffer.Frame, min(64, int(size)/(4*len(data))))
		timed := func(into *[]time.Duration, do func(i int) error) error {
			begin := time.Now()
			for i := range frames {
				if err := do(i); err != nil {
					return err
				}
			}
			*into = append(*into, time.Since(begin)/time.Duration(len(frames)))
			return nil
		}
		for range turns {
			plain, err := client.Reserve(len(frames) * (len(data) + 64))
			if err != nil {
				return err
			}
			place := func(i int) []byte { return plain.Bytes()[i*(len(data)+64):][:len(data)] }
			err = errors.Join(
				timed(&in, func(i int) error { copy(place(i), data); return nil }),
				timed(&writes, func(i int) error { frames[i], err = client.Put(data); return err }),
				lag(client, data, int(size)/4),
				timed(&out, func(i int) error { copy(data, place(i)); return nil }),
				timed(&reads, func(i int) error { return client.ReadInto(data, frames[i].Offset, frames[i].Checksum) }),
			)
			if err != nil {
				return err
			}
		}
		fmt.Printf("| %d MiB | %v | %v | %v | %v | %v | %v |\n", size>>20, started.Round(10*time.Microsecond), attached.Round(10*time.Microsecond),
			median(writes), median(in), median(reads), median(out))
		if err := client.Close(); err != nil {
			return err
		}
		if err := server.Close(); err != nil {
			return err
		}
	}
	return nil
}

// lag writes up to 128 MiB, so that what was written before is in no cache any more, unless the
// ring is as small as one.
func lag(client *framebuffer.Client, data []byte, upTo int) error {
	for range min(upTo, 128<<20) / (len(data) + 64) {
		if _, err := client.Put(data); err != nil {
			return err
		}
	}
	return nil
}

// growthByClients prints what an operation costs with others attached.
func growthByClients(turns int) error {
	fmt.Println("\n| clients attached | Allocate + Write 64 B | ReadInto 64 B |")
	fmt.Println("| ---: | ---: | ---: |")
	server, err := framebuffer.NewServer(64<<20, nil)
	if err != nil {
		return err
	}
	defer server.Close()
	var all []*framebuffer.Client
	for _, n := range []int{1, 4, 16, 64} {
		for len(all) < n {
			c, err := framebuffer.Attach(server.Key(), nil)
			if err != nil {
				return err
			}
			defer c.Close()
			all = append(all, c)
		}
		c := all[0]
		data := make([]byte, 64)
		for range 1 << 20 { // two laps, the first maps pages
			if _, err := c.Put(data); err != nil {
				return err
			}
		}
		var writes, reads []time.Duration
		for range turns {
			const batch = 20000
			var f framebuffer.Frame
			begin := time.Now()
			for range batch {
				if f, err = c.Put(data); err != nil {
					return err
				}
			}
			writes = append(writes, time.Since(begin)/batch)
			begin = time.Now()
			for range batch {
				if err := c.ReadInto(data, f.Offset, f.Checksum); err != nil {
					return err
				}
			}
			reads = append(reads, time.Since(begin)/batch)
		}
		fmt.Printf("| %d | %v | %v |\n", n, median(writes), median(reads))
	}
	return nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
