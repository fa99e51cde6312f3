package pixels

import (
	"encoding/binary"
	"image/color"
	"strings"
)

// yuv returns a function that reads the colour of a pixel in a YUV format, or nil for other
// formats.
//
// Preconditions: data has the Size of g.
func yuv(data []byte, g Geometry) func(x, y int) color.RGBA64 {
	var f format
	for _, f = range formats() {
		if f.name == g.Format {
			break
		}
	}
	w, plane := g.Width, g.Width*g.Height
	across := (w + 1<<f.acrossShift - 1) >> f.acrossShift // samples of chroma in a row
	samples := across * ((g.Height + 1<<f.downShift - 1) >> f.downShift)
	convert := narrow
	if strings.HasPrefix(g.Format, "yuvj") {
		convert = wide
	}
	byteAt := func(i int) float32 { return float32(data[i]) }
	switch g.Format {
	case "yuv420p", "yuvj420p", "yuv422p", "yuvj422p":
		return func(x, y int) color.RGBA64 {
			c := plane + y>>f.downShift*across + x>>f.acrossShift
			return convert(byteAt(y*w+x), byteAt(c), byteAt(c+samples))
		}
	case "yuv444p", "yuvj444p":
		return func(x, y int) color.RGBA64 {
			i := y*w + x
			return convert(byteAt(i), byteAt(plane+i), byteAt(2*plane+i))
		}
	case "yuv420p10le", "yuv422p10le":
		return func(x, y int) color.RGBA64 {
			c := plane + y>>f.downShift*across + x>>f.acrossShift
			return convert(low10(data, y*w+x), low10(data, c), low10(data, c+samples))
		}
	case "nv12", "nv21", "p010le":
		at, first, second := byteAt, 0, 1
		if g.Format == "nv21" {
			first, second = 1, 0
		}
		if g.Format == "p010le" {
			at = func(i int) float32 { return high10(data, i) }
		}
		return func(x, y int) color.RGBA64 {
			c := plane + 2*(y>>1*across+x>>1)
			return convert(at(y*w+x), at(c+first), at(c+second))
		}
	case "yuyv422", "uyvy422":
		luma, chroma := 0, 1
		if g.Format == "uyvy422" {
			luma, chroma = 1, 0
		}
		return func(x, y int) color.RGBA64 {
			pair := 4 * (y*across + x>>1)
			return convert(byteAt(pair+2*(x&1)+luma), byteAt(pair+chroma), byteAt(pair+2+chroma))
		}
	}
	return nil
}

// low10 and high10 read the lowest or highest ten bits of the 16-bit word with index i, as a byte
// with a fraction.
func low10(data []byte, i int) float32 {
	return float32(binary.LittleEndian.Uint16(data[2*i:])&0x3ff) / 4
}

func high10(data []byte, i int) float32 {
	return float32(binary.LittleEndian.Uint16(data[2*i:])>>6) / 4
}

// narrow and wide convert by BT.601: narrow with luma from 16 to 235 and chroma from 16 to 240,
// wide with 0 to 255.
func narrow(y, u, v float32) color.RGBA64 {
	return wide((y-16)*255/219, (u-128)*255/224+128, (v-128)*255/224+128)
}

func wide(y, u, v float32) color.RGBA64 {
	u, v = u-128, v-128
	return color.RGBA64{R: level(y + 1.402*v), G: level(y - 0.344136*u - 0.714136*v), B: level(y + 1.772*u), A: 0xffff}
}

func level(v float32) uint16 { return uint16(min(max(v, 0), 255) * 0x101) }
