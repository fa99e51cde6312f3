package demo

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// originalsFD is the descriptor of the file with the pictures, in each part.
const originalsFD = 3

// writePictures writes the pictures to a file in memory, which all parts read. So all compare with
// the same bytes, and one process decodes and scales the pictures.
func writePictures(all []Picture) (*os.File, error) {
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

// readPictures reads the file of writePictures in a part.
func readPictures() ([]Picture, error) {
	f := os.NewFile(originalsFD, "pictures")
	if f == nil {
		return nil, errors.New("pictures: this process got no file with pictures")
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
		// ReadAt, because all parts share the offset of the file.
		if _, err := f.ReadAt(all[i], int64(i)*size); err != nil {
			return nil, fmt.Errorf("pictures: %w", err)
		}
	}
	return all, nil
}

// split returns the whole pictures in text.
func split(text []byte) (all []Picture) {
	for p := range slices.Chunk(text, size) {
		if len(p) == size {
			all = append(all, Picture(p))
		}
	}
	return all
}
