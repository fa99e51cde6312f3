// Package pixels knows how many bytes a raw picture has. Formats have ffmpeg's names, and
// pictures lie in memory as ffmpeg's rawvideo has them: plane after plane, rows without
// padding, chroma of odd lengths rounded up.
package pixels

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrFormat is for formats that are not known here, and for geometries that make no sense.
var ErrFormat = errors.New("framebuffer: bad video format")

// format is one pixel format. Every pixel has bits of its own; chroma planes have bytes for
// each sample, of which there is one for 1<<acrossShift by 1<<downShift pixels.
type format struct {
	name                   string
	bytes                  int // of a pixel, in the planes at full size
	chroma                 int // of a sample, in the two chroma planes together
	acrossShift, downShift int
}

// formats returns those that cameras, decoders and models deal in.
func formats() []format {
	return []format{
		{name: "gray", bytes: 1}, {name: "gray10le", bytes: 2}, {name: "gray12le", bytes: 2},
		{name: "gray16le", bytes: 2}, {name: "grayf32le", bytes: 4},
		{name: "rgb24", bytes: 3}, {name: "bgr24", bytes: 3}, {name: "gbrp", bytes: 3},
		{name: "rgba", bytes: 4}, {name: "bgra", bytes: 4}, {name: "argb", bytes: 4}, {name: "abgr", bytes: 4},
		{name: "rgb0", bytes: 4}, {name: "bgr0", bytes: 4},
		{name: "rgb48le", bytes: 6}, {name: "rgba64le", bytes: 8}, {name: "gbrpf32le", bytes: 12},
		{name: "rgb565le", bytes: 2},
		{name: "yuv420p", bytes: 1, chroma: 2, acrossShift: 1, downShift: 1},
		{name: "yuvj420p", bytes: 1, chroma: 2, acrossShift: 1, downShift: 1},
		{name: "yuv422p", bytes: 1, chroma: 2, acrossShift: 1},
		{name: "yuvj422p", bytes: 1, chroma: 2, acrossShift: 1},
		{name: "yuv444p", bytes: 3}, {name: "yuvj444p", bytes: 3},
		{name: "yuv420p10le", bytes: 2, chroma: 4, acrossShift: 1, downShift: 1},
		{name: "yuv422p10le", bytes: 2, chroma: 4, acrossShift: 1},
		{name: "nv12", bytes: 1, chroma: 2, acrossShift: 1, downShift: 1},
		{name: "nv21", bytes: 1, chroma: 2, acrossShift: 1, downShift: 1},
		{name: "p010le", bytes: 2, chroma: 4, acrossShift: 1, downShift: 1},
		{name: "yuyv422", chroma: 4, acrossShift: 1}, {name: "uyvy422", chroma: 4, acrossShift: 1},
		{name: "bayer_rggb8", bytes: 1}, {name: "bayer_bggr8", bytes: 1},
		{name: "bayer_gbrg8", bytes: 1}, {name: "bayer_grbg8", bytes: 1},
	}
}

// Names returns the names of the formats that are known, sorted.
func Names() []string {
	var all []string
	for _, f := range formats() {
		all = append(all, f.name)
	}
	slices.Sort(all)
	return all
}

// MaxSide is the largest width and height, in pixels; with it no size overflows.
const MaxSide = 1 << 20

// Size returns how many bytes a picture has. It returns ErrFormat for a format that is not
// known and for sides that are not 1 to MaxSide.
func Size(name string, width, height int) (int, error) {
	if width < 1 || width > MaxSide || height < 1 || height > MaxSide {
		return 0, fmt.Errorf("%w: %dx%d pixels; each side has 1 to %d", ErrFormat, width, height, MaxSide)
	}
	for _, f := range formats() {
		if f.name == name {
			across := (width + 1<<f.acrossShift - 1) >> f.acrossShift
			down := (height + 1<<f.downShift - 1) >> f.downShift
			return width*height*f.bytes + across*down*f.chroma, nil
		}
	}
	return 0, fmt.Errorf("%w: the pixel format %.40q is not known here; known are %s (for others say how many bytes a frame has)",
		ErrFormat, name, strings.Join(Names(), " "))
}

// Others returns a few formats in which so many bytes are whole pictures of that width and height,
// one for each size of a picture, the most common first.
func Others(width, height int, bytes uint64) (names []string) {
	seen := map[int]bool{}
	for _, name := range []string{"yuv420p", "rgb24", "rgba", "yuv422p", "gray", "gray16le"} {
		size, err := Size(name, width, height)
		if err == nil && bytes > 0 && bytes%uint64(size) == 0 && !seen[size] {
			seen[size] = true
			names = append(names, name)
		}
	}
	return names
}

// Geometry is what raw video consists of.
type Geometry struct {
	Width, Height int
	Format        string
}

// Parse reads a geometry such as 1920x1080:rgb24 and returns it with the size of a picture
// in bytes. It returns ErrFormat.
func Parse(s string) (g Geometry, size int, err error) {
	sides, name, ok := strings.Cut(s, ":")
	w, h, both := strings.Cut(sides, "x")
	var errW, errH error
	g.Format = name
	g.Width, errW = strconv.Atoi(w)
	g.Height, errH = strconv.Atoi(h)
	if !ok || !both || errW != nil || errH != nil {
		return Geometry{}, 0, fmt.Errorf("%w: %.60q is no geometry: write WIDTHxHEIGHT:FORMAT, such as 1920x1080:rgb24", ErrFormat, s)
	}
	size, err = Size(g.Format, g.Width, g.Height)
	return g, size, err
}
