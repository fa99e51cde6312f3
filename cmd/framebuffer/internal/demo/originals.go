package demo

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// originalsFD is where a part finds the file with the pictures.
const originalsFD = 3

// hand puts the pictures into a file in memory, for all parts to read: each then compares with
// the same, and only one process has to decode and scale them.
func hand(all []Picture) (*os.File, error) {
	fd, err := unix.MemfdCreate("framebuffer-demo-pictures", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("demo: pictures: memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "pictures")
	for _, p := range all {
		if _, err := f.Write(p); err != nil {
			return nil, errors.Join(fmt.Errorf("demo: pictures: %w", err), f.Close())
		}
	}
	return f, nil
}

// handed are the pictures that a part was given.
func handed() ([]Picture, error) {
	f := os.NewFile(originalsFD, "pictures")
	if f == nil {
		return nil, errors.New("pictures: this process was given none")
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	n := st.Size() / size
	if n == 0 || n > maxPictures || st.Size()%size != 0 {
		return nil, fmt.Errorf("pictures: %d bytes; it must be up to %d pictures of %d", st.Size(), maxPictures, size)
	}
	all := make([]Picture, n)
	for i := range all {
		all[i] = make(Picture, size)
		// Other parts read the same file: where it stands is not this one's.
		if _, err := f.ReadAt(all[i], int64(i)*size); err != nil {
			return nil, fmt.Errorf("pictures: %w", err)
		}
	}
	return all, nil
}

// split are the whole pictures in some bytes.
func split(text []byte) (all []Picture) {
	for p := range slices.Chunk(text, size) {
		if len(p) == size {
			all = append(all, Picture(p))
		}
	}
	return all
}
