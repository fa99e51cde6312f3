package preview

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/pixels"
)

// quality is the quality of the JPEGs.
const quality = 85

// raw scales a raw picture down and encodes it. It reads at most four by four pixels for each pixel
// of the result, so its cost does not grow with the picture.
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

// scale scales an image to a size.
func scale(img image.Image, to image.Rectangle) *image.RGBA {
	scaled := image.NewRGBA(to)
	draw.ApproxBiLinear.Scale(scaled, to, img, img.Bounds(), draw.Src, nil)
	return scaled
}

// fit is the size of a picture scaled down so that no side is longer than most.
func fit(w, h, most int) image.Rectangle {
	long := max(w, h)
	if long <= most {
		return image.Rect(0, 0, w, h)
	}
	return image.Rect(0, 0, max(w*most/long, 1), max(h*most/long, 1))
}
