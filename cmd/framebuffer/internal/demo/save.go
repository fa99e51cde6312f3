package demo

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/stdio"
)

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
