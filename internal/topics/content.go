package topics

import (
	"bytes"

	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Offsets within Content's bytes.
const (
	atWidth  = layout.RecordWidth - layout.RecordShort
	atHeight = layout.RecordHeight - layout.RecordShort
	atShape  = layout.RecordShape - layout.RecordShort
	atFormat = layout.RecordFormat - layout.RecordShort
	atType   = layout.RecordType - layout.RecordShort
	atUser   = layout.RecordUser - layout.RecordShort

	// MaxDims is how many dimensions a shape has at most.
	MaxDims = (layout.RecordFormat - layout.RecordShape) / 4
)

// SetSize stores width and height.
func (c *Content) SetSize(width, height uint32) {
	order.PutUint32(c.bytes[atWidth:], width)
	order.PutUint32(c.bytes[atHeight:], height)
}

// Size returns width and height.
func (c *Content) Size() (width, height uint32) {
	return order.Uint32(c.bytes[atWidth:]), order.Uint32(c.bytes[atHeight:])
}

// SetShape stores a tensor's dimensions.
//
// Preconditions: len(shape) <= MaxDims.
func (c *Content) SetShape(shape []uint32) {
	for i, n := range shape {
		order.PutUint32(c.bytes[atShape+4*i:], n)
	}
	c.dims = byte(len(shape))
}

// Shape returns a copy of the dimensions, nil for none.
func (c *Content) Shape() []uint32 {
	var shape []uint32
	for i := range min(int(c.dims), MaxDims) {
		shape = append(shape, order.Uint32(c.bytes[atShape+4*i:]))
	}
	return shape
}

// SetFormat stores the pixel format or element type.
//
// Preconditions: len(s) <= layout.RecordFormatSize.
func (c *Content) SetFormat(s string) { copy(c.bytes[atFormat:atFormat+layout.RecordFormatSize], s) }

// Format returns the pixel format or element type.
func (c *Content) Format() string { return text(c.bytes[atFormat : atFormat+layout.RecordFormatSize]) }

// SetType stores the media type.
//
// Preconditions: len(s) <= layout.RecordTypeSize.
func (c *Content) SetType(s string) { copy(c.bytes[atType:atType+layout.RecordTypeSize], s) }

// Type returns the media type.
func (c *Content) Type() string { return text(c.bytes[atType : atType+layout.RecordTypeSize]) }

// SetUser stores the user's own bytes.
//
// Preconditions: len(b) <= layout.RecordUserSize.
func (c *Content) SetUser(b []byte) { c.userLen = byte(copy(c.bytes[atUser:], b)) }

// User returns a copy of the user's own bytes, nil for none.
func (c *Content) User() []byte {
	return append([]byte(nil), c.bytes[atUser:atUser+min(int(c.userLen), layout.RecordUserSize)]...)
}

func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
