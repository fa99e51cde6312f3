package preview

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/pixels"
)

// quality of the JPEGs that raw video becomes.
const quality = 85

// raw scales a raw picture down. It looks at four by four pixels for each that it makes, at
// most, so what it costs does not grow with the picture.
func raw(data []byte, g pixels.Geometry) (Preview, error) {
	img, err := pixels.Image(data, g)
	if err != nil {
		return Preview{}, err
	}
	small := fit(g.Width, g.Height, maxThumb)
	scaled := scale(img, fit(g.Width, g.Height, 2*maxThumb))
	if scaled.Bounds() != small {
		scaled = scale(scaled, small)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, scaled, &jpeg.Options{Quality: quality}); err != nil {
		return Preview{}, fmt.Errorf("make a JPEG of %v: %w", small, err)
	}
	return Preview{Type: "image/jpeg", Image: out.Bytes()}, nil
}

func scale(img image.Image, to image.Rectangle) *image.RGBA {
	scaled := image.NewRGBA(to)
	draw.ApproxBiLinear.Scale(scaled, to, img, img.Bounds(), draw.Src, nil)
	return scaled
}

// fit is a picture's size with no side longer than most, and none enlarged.
func fit(w, h, most int) image.Rectangle {
	long := max(w, h)
	if long <= most {
		return image.Rect(0, 0, w, h)
	}
	return image.Rect(0, 0, max(w*most/long, 1), max(h*most/long, 1))
}
