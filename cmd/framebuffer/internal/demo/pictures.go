package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // decoders register themselves with package image
	_ "image/jpeg" // likewise
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/image/draw"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/stdio"
)

// Width and Height are what every picture is scaled to: a 720p frame, 2,764,800 bytes.
const (
	Width  = 1280
	Height = 720
	bpp    = 3
)

// size is a picture's in bytes, and maxPictures bounds what each process of the demo keeps in
// memory.
const (
	size        = Width * Height * bpp
	maxPictures = 12
)

// Picture is one frame of raw video: RGB, 8 bits each, rows from the top, no padding.
type Picture []byte

// Pictures returns the frames that writers send and readers compare with. source is a folder of PNG, JPEG and GIF pictures, a video
// (through ffmpeg), or empty for those that come with Go. what says where they come from.
func Pictures(ctx context.Context, source string) (all []Picture, what string, err error) {
	if source == "" {
		return goPictures(ctx)
	}
	st, err := os.Stat(source)
	if err != nil {
		return nil, "", fmt.Errorf("pictures: %w", err)
	}
	if !st.IsDir() {
		all, err = videoPictures(ctx, source)
		return all, source, err
	}
	all, err = folderPictures(source, 1)
	return all, source, err
}

// goPictures uses the test pictures of Go's image packages, which whoever can say `go run`
// has; each is shown in several views, so that the frames differ.
func goPictures(ctx context.Context) ([]Picture, string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	folder := filepath.Join(strings.TrimSpace(string(out)), "src", "image", "testdata")
	if err == nil {
		if all, err := folderPictures(folder, 4); err == nil {
			return all, folder, nil
		}
	}
	return drawnPictures(), "colour bars drawn here (no Go with test pictures on this machine; name a folder or a video to use that)", nil
}

// folderPictures decodes the pictures of a folder, in the order of their names, each in
// that many views. What is not a whole picture is passed over: Go's own folder has some that
// are broken on purpose, and folders of users have anything.
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

// Limits of what is decoded: this is a demo, and each of its processes decodes.
const (
	maxFile   = 64 << 20 // bytes
	maxPixels = 64 << 20
)

// decode reads a picture. It opens only what is a regular file: opening a pipe waits for its
// writer, and reading a device may never end.
func decode(file string) (image.Image, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxFile {
		return nil, fmt.Errorf("%s is not a regular file of at most %d bytes", file, maxFile)
	}
	// Without waiting, should it have become a pipe.
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

func isPicture(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".gif":
		return true
	}
	return false
}

// scale fills a frame with img, or, when a picture has several views, with a part of it
// that wanders from frame to frame.
func scale(img image.Image, n, views int) Picture {
	part := img.Bounds()
	if views > 1 {
		dx, dy := part.Dx()/4, part.Dy()/4
		part = image.Rect(0, 0, part.Dx()-dx, part.Dy()-dy).
			Add(part.Min).Add(image.Pt(dx*(n%5)/4, dy*(n%3)/2))
	}
	rgba := image.NewRGBA(image.Rect(0, 0, Width, Height))
	draw.ApproxBiLinear.Scale(rgba, fit(part), img, part, draw.Src, nil)
	return fromRGBA(rgba)
}

// fit centres a picture of r's shape in the frame, as large as it goes.
func fit(r image.Rectangle) image.Rectangle {
	w, h := Width, r.Dy()*Width/max(r.Dx(), 1)
	if h > Height {
		w, h = r.Dx()*Height/max(r.Dy(), 1), Height
	}
	at := image.Pt((Width-w)/2, (Height-h)/2)
	return image.Rect(0, 0, w, h).Add(at)
}

func fromRGBA(img *image.RGBA) Picture {
	p := make(Picture, 0, size)
	for i := 0; i < len(img.Pix); i += 4 {
		p = append(p, img.Pix[i:i+bpp]...)
	}
	return p
}

// drawnPictures are colour bars that move.
func drawnPictures() (all []Picture) {
	for n := range maxPictures {
		p := make(Picture, size)
		for i := range Width * Height {
			bar := (i%Width + n*Width/maxPictures) % Width * 8 / Width
			for c := range bpp {
				p[i*bpp+c] = byte(255 * (bar >> c & 1))
			}
		}
		all = append(all, p)
	}
	return all
}

// videoPictures takes the first frames of a video.
func videoPictures(ctx context.Context, file string) ([]Picture, error) {
	// -vf fits the video into the frame as fit does for pictures.
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-i", file,
		"-frames:v", fmt.Sprint(maxPictures), "-vf",
		fmt.Sprintf("scale=%[1]d:%[2]d:force_original_aspect_ratio=decrease,pad=%[1]d:%[2]d:(ow-iw)/2:(oh-ih)/2", Width, Height),
		"-f", "rawvideo", "-pix_fmt", "rgb24", "-")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("pictures: %s is no folder, and to read it as a video takes ffmpeg (apt install ffmpeg): %w", file, err)
	}
	if err != nil {
		return nil, fmt.Errorf("pictures: ffmpeg cannot read %s: %w: %s", file, err, strings.TrimSpace(complaint.String()))
	}
	all := split(out)
	if len(all) == 0 {
		return nil, fmt.Errorf("pictures: %s has no video frames", file)
	}
	return all, nil
}

// savePicture writes a frame as PNG.
func savePicture(file string, p Picture) error {
	if len(p) != size {
		return errors.New("save: no frame was read that could be saved")
	}
	img := image.NewRGBA(image.Rect(0, 0, Width, Height))
	for i := range Width * Height {
		copy(img.Pix[4*i:], p[bpp*i:bpp*i+bpp])
		img.Pix[4*i+3] = 255
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	if err := stdio.WriteFile(file, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	return nil
}
