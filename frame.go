package framebuffer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// Frame is the descriptor that processes pass to each other instead of the bytes. A process that
// has it and can attach to the ring reads exactly the bytes that were written, or gets
// [ErrTimeout], whatever accident happens in between. This does not hold against malicious writers
// of the ring: see Guarantees above. A Frame is small, comparable, and marshals to one JSON object:
//
//	{"key":"fb4_sysv_…","offset":"128","size":1048576,"checksum":"2d06800538d394c2"}
//
// There the offset is a string, because it is a 64-bit number, and readers that store numbers as
// floating point would round it.
type Frame struct {
	Key      string   // of the ring
	Offset   uint64   // in the ring, as Allocate returned it
	Size     int      // payload bytes
	Checksum Checksum // of exactly those bytes
}

// wireFrame is the JSON form of a [Frame]. A nil pointer is a missing member, unlike zero.
type wireFrame struct {
	Key      *string   `json:"key"`
	Offset   *string   `json:"offset"`
	Size     *int64    `json:"size"`
	Checksum *Checksum `json:"checksum"`
}

// MarshalJSON returns the JSON form shown at [Frame].
func (f Frame) MarshalJSON() ([]byte, error) {
	offset, size := strconv.FormatUint(f.Offset, 10), int64(f.Size)
	return json.Marshal(wireFrame{&f.Key, &offset, &size, &f.Checksum})
}

// UnmarshalJSON parses the JSON form shown at [Frame]. All four members are required and no others
// allowed. It does not check the key; [Attach] does. Errors are [ErrBadFrame] and leave f
// unchanged.
func (f *Frame) UnmarshalJSON(text []byte) error {
	var w wireFrame
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return badFrame(text, err)
	}
	if w.Key == nil || w.Offset == nil || w.Size == nil || w.Checksum == nil {
		return fmt.Errorf("%w: %q lacks one of key, offset, size, checksum", ErrBadFrame, fberr.Clip(string(text)))
	}
	offset, err := fberr.ParseOffset(*w.Offset)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadFrame, err)
	}
	if *w.Size < 0 || *w.Size > math.MaxInt {
		return fmt.Errorf("%w: size %d is not a length", ErrBadFrame, *w.Size)
	}
	*f = Frame{*w.Key, offset, int(*w.Size), *w.Checksum}
	return nil
}

// ParseFrame parses one frame in its JSON form, with only white space around it. Errors are
// [ErrBadFrame].
func ParseFrame(text []byte) (Frame, error) {
	var f Frame
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&f); errors.Is(err, ErrBadFrame) {
		return Frame{}, err
	} else if err != nil {
		return Frame{}, badFrame(text, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Frame{}, fmt.Errorf("%w: %q has something behind the frame", ErrBadFrame, fberr.Clip(string(text)))
	}
	return f, nil
}

// badFrame returns [ErrBadFrame] for a text, with the reason and the right form.
func badFrame(text []byte, err error) error {
	return fmt.Errorf(`%w: %q: %w (a frame is {"key":"…","offset":"digits","size":number,"checksum":"16 hex digits"})`,
		ErrBadFrame, fberr.Clip(string(text)), err)
}

// String returns the frame as one line of JSON.
func (f Frame) String() string {
	b, err := f.MarshalJSON()
	if err != nil { // strings and integers always marshal
		return fmt.Sprintf("framebuffer.Frame(%v)", err)
	}
	return string(b)
}
