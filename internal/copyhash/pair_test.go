package copyhash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/zeebo/xxh3"
	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// readerEnv makes the test binary the reader of BenchmarkPair: the memory is its file 3.
const readerEnv = "COPYHASH_READER"

func TestMain(m *testing.M) {
	if os.Getenv(readerEnv) != "" {
		if err := serveReads(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func pin(cpu int) error {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	return unix.SchedSetaffinity(0, &set)
}

// serveReads copies out what the requests name (offset and size), as a small copy, and
// answers how many nanoseconds each took.
func serveReads(in io.Reader, out io.Writer) error {
	if err := pin(1); err != nil {
		return err
	}
	ring, err := unix.Mmap(3, 0, coldSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return err
	}
	private := make([]byte, benchSizes[len(benchSizes)-1])
	clear(private)
	var message [16]byte
	for {
		if _, err := io.ReadFull(in, message[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		at, n := binary.LittleEndian.Uint64(message[:]), binary.LittleEndian.Uint64(message[8:])
		begin := time.Now()
		InUse().CopyOut(private, ring[at:at+n], false, Auto, always)
		binary.LittleEndian.PutUint64(message[:], uint64(time.Since(begin)))
		if _, err := out.Write(message[:8]); err != nil {
			return err
		}
	}
}

// BenchmarkPair writes a frame on one core and has another process read it on another core
// right after. For each way to store it reports the medians of the write and of the read in
// microseconds. The ways take turns. Frames are behind each other as in the ring, and the
// source is warm, as a frame is that was just made.
func BenchmarkPair(b *testing.B) {
	if runtime.NumCPU() < 2 {
		b.Fatal("one processor: the reader would wait for the writer")
	}
	fd, err := unix.MemfdCreate("pair", 0)
	if err != nil {
		b.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "pair")
	defer file.Close()
	if err := file.Truncate(coldSize); err != nil {
		b.Fatal(err)
	}
	memory, err := unix.Mmap(fd, 0, coldSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Munmap(memory)
	if err := unix.Madvise(memory, unix.MADV_POPULATE_WRITE); err != nil {
		b.Fatal(err)
	}
	reader := testproc.Command(os.Args[0])
	reader.Env = append(os.Environ(), readerEnv+"=1")
	reader.ExtraFiles = []*os.File{file}
	reader.Stderr = os.Stderr
	ask, err := reader.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	answer, err := reader.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := reader.Start(); err != nil {
		b.Fatal(err)
	}
	defer reader.Wait()
	defer ask.Close()
	if err := pin(0); err != nil {
		b.Fatal(err)
	}
	defer runtime.UnlockOSThread()

	ways := []contender{
		{"copy", func(dst, src []byte) { copy(dst, src); xxh3.Hash(src) }},
		{"ordinary", func(dst, src []byte) { InUse().copyIn(dst, src, always, ordinary) }},
		{"leading", func(dst, src []byte) { InUse().copyIn(dst, src, always, leading) }},
		{"leading-on", func(dst, src []byte) { InUse().copyIn(dst, src, always, leadingOn) }},
		{"streaming", func(dst, src []byte) { InUse().copyIn(dst, src, always, streaming) }},
	}
	for _, size := range []int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20, 6220800, 24883200} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			ring, src := &cold{memory: memory}, make([]byte, size)
			wrote, read := make([][]time.Duration, len(ways)), make([][]time.Duration, len(ways))
			var message [16]byte
			for b.Loop() {
				for i, way := range ways {
					for j := range src {
						src[j]++ // a producer makes a frame
					}
					at := ring.at + headSize
					dst := ring.next(size)
					if ring.at == (headSize+size+63)&^63 {
						at = headSize // wrapped
					}
					begin := time.Now()
					way.run(dst, src)
					wrote[i] = append(wrote[i], time.Since(begin))
					binary.LittleEndian.PutUint64(message[:], uint64(at))
					binary.LittleEndian.PutUint64(message[8:], uint64(size))
					if _, err := ask.Write(message[:]); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(answer, message[:8]); err != nil {
						b.Fatal(err)
					}
					read[i] = append(read[i], time.Duration(binary.LittleEndian.Uint64(message[:])))
				}
			}
			b.ReportMetric(0, "ns/op")
			for i, way := range ways {
				slices.Sort(wrote[i])
				slices.Sort(read[i])
				w, r := wrote[i][len(wrote[i])/2], read[i][len(read[i])/2]
				b.ReportMetric(float64(w)/1000, way.name+"-write-µs")
				b.ReportMetric(float64(r)/1000, way.name+"-read-µs")
			}
		})
	}
}
