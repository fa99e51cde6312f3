package demo

import (
	"context"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/image/draw"
)

// Width and Height are the size to which every picture is scaled: a 720p frame, 2,764,800 bytes.
const (
	Width  = 1280
	Height = 720
	bpp    = 3
)

const (
	size        = Width * Height * bpp // of a picture, in bytes
	maxPictures = 12                   // each process of the demo has all of them in memory
)

// Picture is one frame of raw video: RGB, 8 bits each, rows from the top, no padding.
type Picture []byte

// Pictures returns the frames that writers send and readers compare with. source is a folder of
// PNG, JPEG and GIF pictures, a video (read by ffmpeg), or "" for the pictures that come with Go.
// what describes the source.
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

// goPictures uses the test pictures of Go's image packages, which are part of every Go
// installation. Each is shown in several views, so that the frames differ.
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

// scale fills a frame with img or, if a picture has several views, with the part of it that belongs
// to view n.
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

// fit is the largest rectangle of r's shape in the centre of the frame.
func fit(r image.Rectangle) image.Rectangle {
	w, h := Width, r.Dy()*Width/max(r.Dx(), 1)
	if h > Height {
		w, h = r.Dx()*Height/max(r.Dy(), 1), Height
	}
	at := image.Pt((Width-w)/2, (Height-h)/2)
	return image.Rect(0, 0, w, h).Add(at)
}

// fromRGBA drops the alpha channel.
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
