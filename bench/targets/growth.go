package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// growthByRing prints what a write of 64 KiB and the starts cost by the size of the ring.
func growthByRing(turns int) error {
	fmt.Println("\n| ring | start | attach | Allocate + Write 64 KiB | ReadInto 64 KiB |")
	fmt.Println("| --- | ---: | ---: | ---: | ---: |")
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
		var writes, reads []time.Duration
		for range turns {
			const batch = 64
			var frames [8]framebuffer.Frame
			begin := time.Now()
			for i := range batch {
				if frames[i%len(frames)], err = client.Put(data); err != nil {
					return err
				}
			}
			writes = append(writes, time.Since(begin)/batch)
			begin = time.Now()
			for i := range batch {
				f := frames[i%len(frames)]
				if err := client.ReadInto(data, f.Offset, f.Checksum); err != nil {
					return err
				}
			}
			reads = append(reads, time.Since(begin)/batch)
		}
		fmt.Printf("| %d MiB | %v | %v | %v | %v |\n", size>>20, started.Round(10*time.Microsecond), attached.Round(10*time.Microsecond), median(writes), median(reads))
		if err := client.Close(); err != nil {
			return err
		}
		if err := server.Close(); err != nil {
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
