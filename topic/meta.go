package topic

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Meta describes a frame. All members are optional; this package does not interpret them.
type Meta struct {
	// ContentType is a media type such as "image/jpeg" or "video/raw", at most 48 bytes.
	ContentType string `json:"content_type,omitempty"`

	// Width and Height of a picture, in pixels.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`

	// Format is the pixel format or element type, such as "rgb24" or "float32", at most 16
	// bytes. Names of pixel formats are ffmpeg's.
	Format string `json:"format,omitempty"`

	// Shape of a tensor, slowest dimension first, at most 8 of them.
	Shape []int `json:"shape,omitempty"`

	// User is for the user's own data, at most 64 bytes.
	User []byte `json:"user,omitempty"`
}

// Limits of Meta, in bytes, and in dimensions.
const (
	MaxContentType = layout.RecordTypeSize
	MaxFormat      = layout.RecordFormatSize
	MaxUser        = layout.RecordUserSize
	MaxDimensions  = topics.MaxDims
)

// content checks m and returns it in the form of records.
func (m *Meta) content() (c topics.Content, err error) {
	if err := checkText("content type", m.ContentType, MaxContentType); err != nil {
		return c, err
	}
	if err := checkText("format", m.Format, MaxFormat); err != nil {
		return c, err
	}
	if len(m.Shape) > MaxDimensions {
		return c, fmt.Errorf("%w: a shape of %d dimensions; there can be %d", ErrBadMeta, len(m.Shape), MaxDimensions)
	}
	if len(m.User) > MaxUser {
		return c, fmt.Errorf("%w: %d bytes of user data; there can be %d: put more into the frame itself", ErrBadMeta, len(m.User), MaxUser)
	}
	shape := make([]uint32, 0, MaxDimensions)
	for _, n := range append([]int{m.Width, m.Height}, m.Shape...) {
		if n < 0 || int64(n) > math.MaxUint32 {
			return c, fmt.Errorf("%w: a length of %d; it is 0 to %d", ErrBadMeta, n, uint32(math.MaxUint32))
		}
	}
	for _, n := range m.Shape {
		shape = append(shape, uint32(n))
	}
	c.SetType(m.ContentType)
	c.SetFormat(m.Format)
	c.SetSize(uint32(m.Width), uint32(m.Height))
	c.SetShape(shape)
	c.SetUser(m.User)
	return c, nil
}

// none reports whether m is nil or empty.
func (m *Meta) none() bool {
	return m == nil || m.ContentType == "" && m.Width == 0 && m.Height == 0 && m.Format == "" && len(m.Shape) == 0 && len(m.User) == 0
}

// metaOf is the inverse of [Meta.content].
func metaOf(c *topics.Content) Meta {
	w, h := c.Size()
	m := Meta{ContentType: c.Type(), Width: int(w), Height: int(h), Format: c.Format(), User: c.User()}
	for _, n := range c.Shape() {
		m.Shape = append(m.Shape, int(n))
	}
	return m
}

func checkText(what, s string, most int) error {
	if len(s) <= most && utf8.ValidString(s) && !strings.ContainsRune(s, 0) {
		return nil
	}
	return fmt.Errorf("%w: %s %.100q is not UTF-8 of at most %d bytes", ErrBadMeta, what, s, most)
}

// MaxName is the length of the longest name of a topic or group, in bytes.
const MaxName = layout.TopicNameSize

// CheckName returns ErrBadName if no topic can have that name.
func CheckName(name string) error { return checkName("topic", name) }

func checkName(what, name string) error {
	if name == "" || len(name) > MaxName || !utf8.ValidString(name) {
		return fmt.Errorf("%w: %s %.100q is not UTF-8 of 1 to %d bytes", ErrBadName, what, name, MaxName)
	}
	if i := strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return fmt.Errorf("%w: %s %q has a control character", ErrBadName, what, name)
	}
	return nil
}
