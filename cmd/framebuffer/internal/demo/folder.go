package demo

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif"  // decoders register themselves with package image
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// folderPictures decodes the pictures of a folder, in the order of their names, each in that many
// views. It skips files that do not decode: Go's folder has some that are broken on purpose.
func folderPictures(folder string, views int) ([]Picture, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	var decoded []image.Image
	var refused error // the first of them
	for _, e := range entries {
		if len(decoded)*views >= maxPictures || !isPicture(e.Name()) {
			continue
		}
		img, err := decode(filepath.Join(folder, e.Name()))
		switch {
		case err == nil:
			decoded = append(decoded, img)
		case refused == nil:
			refused = err
		}
	}
	if len(decoded) == 0 && refused != nil {
		return nil, fmt.Errorf("pictures: %s holds no PNG, JPEG or GIF that can be decoded: %w", folder, refused)
	}
	if len(decoded) == 0 {
		return nil, fmt.Errorf("pictures: %s holds no file with a name such as x.png, x.jpg or x.gif", folder)
	}
	var all []Picture
	for i, img := range decoded {
		for view := range views {
			if len(all) < maxPictures {
				all = append(all, scale(img, i*views+view, views))
			}
		}
	}
	return all, nil
}

// Limits of a picture file.
const (
	maxFile   = 64 << 20 // bytes
	maxPixels = 64 << 20
)

// decode reads a picture. It opens only regular files: opening a pipe would wait for its writer,
// and reading a device may never end.
func decode(file string) (image.Image, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxFile {
		return nil, fmt.Errorf("%s is not a regular file of at most %d bytes", file, maxFile)
	}
	// Without waiting, in case it has become a pipe.
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(text))
	if err == nil && c.Width*c.Height > maxPixels {
		err = fmt.Errorf("%dx%d pixels are more than %d", c.Width, c.Height, maxPixels)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	img, _, err := image.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if img.Bounds().Empty() {
		return nil, fmt.Errorf("%s: a picture without pixels", file)
	}
	return img, nil
}

// isPicture reports whether a file's name is that of a picture.
func isPicture(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".gif":
		return true
	}
	return false
}
