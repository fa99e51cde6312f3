package pixels

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math"
)

// Image returns a raw picture as an image that reads data, without a copy. Alpha is ignored,
// because cameras often leave it zero. YUV is taken as BT.601, in the narrow range unless the
// format's name says the full one, as ffmpeg does by default. A pixel of a Bayer mosaic gets the
// colours of the two by two pixels around it.
//
// It returns [ErrFormat] as [Size] does, and if data has another size than the picture.
func Image(data []byte, g Geometry) (image.RGBA64Image, error) {
	size, err := Size(g.Format, g.Width, g.Height)
	if err != nil {
		return nil, err
	}
	if len(data) != size {
		return nil, fmt.Errorf("%w: a picture of %dx%d pixels in %s has %d bytes, and there are %d",
			ErrFormat, g.Width, g.Height, g.Format, size, len(data))
	}
	p := &picture{bounds: image.Rect(0, 0, g.Width, g.Height)}
	p.at = colours(data, g)
	if p.at == nil {
		return nil, fmt.Errorf("%w: pixels of %s cannot be converted to colours", ErrFormat, g.Format)
	}
	return p, nil
}

// picture is an image that computes each colour when At is called.
type picture struct {
	bounds image.Rectangle
	at     func(x, y int) color.RGBA64 // within bounds
}

// ColorModel implements image.Image.
func (p *picture) ColorModel() color.Model { return color.RGBA64Model }

// Bounds implements image.Image.
func (p *picture) Bounds() image.Rectangle { return p.bounds }

// At implements image.Image.
func (p *picture) At(x, y int) color.Color { return p.RGBA64At(x, y) }

// RGBA64At implements image.RGBA64Image.
func (p *picture) RGBA64At(x, y int) color.RGBA64 {
	if !(image.Point{x, y}).In(p.bounds) {
		return color.RGBA64{}
	}
	return p.at(x, y)
}

// colours returns a function that reads the colour of a pixel, or nil for a format that it does not
// know.
//
// Preconditions: data has the Size of g.
func colours(data []byte, g Geometry) func(x, y int) color.RGBA64 {
	w, plane := g.Width, g.Width*g.Height
	// interleaved reads three of the step bytes of a pixel.
	interleaved := func(step, red, green, blue int) func(x, y int) color.RGBA64 {
		return func(x, y int) color.RGBA64 {
			d := data[(y*w+x)*step:]
			return rgb8(d[red], d[green], d[blue])
		}
	}
	// words reads three 16-bit words, of which the lowest bits are used.
	words := func(step, red, green, blue, bits int) func(x, y int) color.RGBA64 {
		full := uint32(1)<<bits - 1
		return func(x, y int) color.RGBA64 {
			d := data[(y*w+x)*step:]
			word := func(i int) uint16 {
				return uint16(min(uint32(binary.LittleEndian.Uint16(d[i:])), full) * 0xffff / full)
			}
			return color.RGBA64{R: word(red), G: word(green), B: word(blue), A: 0xffff}
		}
	}
	switch g.Format {
	case "gray":
		return interleaved(1, 0, 0, 0)
	case "rgb24":
		return interleaved(3, 0, 1, 2)
	case "bgr24":
		return interleaved(3, 2, 1, 0)
	case "rgba", "rgb0":
		return interleaved(4, 0, 1, 2)
	case "bgra", "bgr0":
		return interleaved(4, 2, 1, 0)
	case "argb":
		return interleaved(4, 1, 2, 3)
	case "abgr":
		return interleaved(4, 3, 2, 1)
	case "gray10le":
		return words(2, 0, 0, 0, 10)
	case "gray12le":
		return words(2, 0, 0, 0, 12)
	case "gray16le":
		return words(2, 0, 0, 0, 16)
	case "rgb48le":
		return words(6, 0, 2, 4, 16)
	case "rgba64le":
		return words(8, 0, 2, 4, 16)
	case "gbrp":
		return func(x, y int) color.RGBA64 {
			i := y*w + x
			return rgb8(data[2*plane+i], data[i], data[plane+i])
		}
	case "grayf32le":
		return func(x, y int) color.RGBA64 {
			v := float(data, y*w+x)
			return color.RGBA64{R: v, G: v, B: v, A: 0xffff}
		}
	case "gbrpf32le":
		return func(x, y int) color.RGBA64 {
			i := y*w + x
			return color.RGBA64{R: float(data, 2*plane+i), G: float(data, i), B: float(data, plane+i), A: 0xffff}
		}
	case "rgb565le":
		return func(x, y int) color.RGBA64 {
			v := uint32(binary.LittleEndian.Uint16(data[2*(y*w+x):]))
			return color.RGBA64{
				R: uint16(v >> 11 * 0xffff / 31), G: uint16(v >> 5 & 63 * 0xffff / 63), B: uint16(v & 31 * 0xffff / 31), A: 0xffff,
			}
		}
	case "bayer_rggb8":
		return mosaic(data, g, 0, 0)
	case "bayer_grbg8":
		return mosaic(data, g, 1, 0)
	case "bayer_gbrg8":
		return mosaic(data, g, 0, 1)
	case "bayer_bggr8":
		return mosaic(data, g, 1, 1)
	}
	return yuv(data, g)
}

// rgb8 is an opaque colour of 8 bits per channel.
func rgb8(r, g, b byte) color.RGBA64 {
	return color.RGBA64{R: uint16(r) * 0x101, G: uint16(g) * 0x101, B: uint16(b) * 0x101, A: 0xffff}
}

// float reads the 32-bit number with index i, from 0 to 1.
func float(data []byte, i int) uint16 {
	v := math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	if !(v > 0) { // NaN is black
		return 0
	}
	return uint16(min(v, 1) * 0xffff)
}

// mosaic reads a sensor with one colour per pixel. The red pixels are those whose x and y have the
// parities redX and redY. At the border, the last row or column stands in for the next one.
func mosaic(data []byte, g Geometry, redX, redY int) func(x, y int) color.RGBA64 {
	one := func(x, y int) byte {
		// A step inwards keeps the parity only if there are two to go; a single row or column has
		// one.
		if x >= g.Width {
			x = max(x-2, 0)
		}
		if y >= g.Height {
			y = max(y-2, 0)
		}
		return data[y*g.Width+x]
	}
	return func(x, y int) color.RGBA64 {
		rx, ry := x+(x+redX)%2, y+(y+redY)%2           // the red pixel here, or the next
		bx, by := x+(x+redX+1)%2, y+(y+redY+1)%2       // the blue one
		g1, g2 := uint(one(bx, ry)), uint(one(rx, by)) // the two green ones beside them
		return rgb8(one(rx, ry), byte((g1+g2)/2), one(bx, by))
	}
}
