// Package pixels computes the size of raw pictures and reads their colours. Formats have ffmpeg's
// names, and pictures the layout of ffmpeg's rawvideo: plane after plane, rows without padding, odd
// chroma lengths rounded up.
package pixels

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrFormat is the error for unknown formats and invalid geometries.
var ErrFormat = errors.New("framebuffer: bad video format")

// format is a pixel format. Chroma planes have one sample for 1<<acrossShift by 1<<downShift
// pixels.
type format struct {
	name                   string
	bytes                  int // of a pixel, in the planes at full size
	chroma                 int // of a sample, in the two chroma planes together
	acrossShift, downShift int
}

// formats are the formats of common cameras, decoders and models.
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

// Names returns the names of all formats, sorted.
func Names() []string {
	var all []string
	for _, f := range formats() {
		all = append(all, f.name)
	}
	slices.Sort(all)
	return all
}

// MaxSide is the largest width and height, in pixels. No size up to it overflows.
const MaxSide = 1 << 20

// Size returns the number of bytes of a picture. It returns [ErrFormat] for an unknown format and
// for sides that are not 1 to [MaxSide].
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
	return 0, fmt.Errorf("%w: unknown pixel format %.40q; known are %s (for others give the number of bytes of a frame)",
		ErrFormat, name, strings.Join(Names(), " "))
}

// Others returns common formats in which bytes is the size of whole pictures of that width and
// height, one format for each size of a picture.
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

// Geometry is the size and format of raw video.
type Geometry struct {
	Width, Height int
	Format        string
}

// Parse parses a geometry such as 1920x1080:rgb24, and returns it with the size of a picture in
// bytes. Its error is [ErrFormat].
func Parse(s string) (g Geometry, size int, err error) {
	sides, name, ok := strings.Cut(s, ":")
	w, h, both := strings.Cut(sides, "x")
	var errW, errH error
	g.Format = name
	g.Width, errW = strconv.Atoi(w)
	g.Height, errH = strconv.Atoi(h)
	if !ok || !both || errW != nil || errH != nil {
		return Geometry{}, 0, fmt.Errorf("%w: %.60q is not a geometry: write WIDTHxHEIGHT:FORMAT, such as 1920x1080:rgb24", ErrFormat, s)
	}
	size, err = Size(g.Format, g.Width, g.Height)
	return g, size, err
}
