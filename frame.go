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

// Frame is the descriptor that travels instead of the bytes: a process that holds it and can
// reach the memory gets exactly the bytes that were written, or ErrTimeout, whatever accident
// comes between. Writers of the ring that mean harm are another matter: see Guarantees above. It
// is small, comparable, and marshals to one JSON object:
//
//	{"key":"fb4_sysv_…","offset":"128","size":1048576,"checksum":"2d06800538d394c2"}
//
// The offset is a string there because it is a 64-bit number, and readers that keep
// numbers as floating point would round it.
type Frame struct {
	Key      string   // the ring it lies in
	Offset   uint64   // where, as Allocate returned it
	Size     int      // payload bytes
	Checksum Checksum // of exactly those bytes
}

// wireFrame is a Frame as JSON has it; pointers tell absent from zero.
type wireFrame struct {
	Key      *string   `json:"key"`
	Offset   *string   `json:"offset"`
	Size     *int64    `json:"size"`
	Checksum *Checksum `json:"checksum"`
}

// MarshalJSON writes the form shown at Frame.
func (f Frame) MarshalJSON() ([]byte, error) {
	offset, size := strconv.FormatUint(f.Offset, 10), int64(f.Size)
	return json.Marshal(wireFrame{&f.Key, &offset, &size, &f.Checksum})
}

// UnmarshalJSON reads the form shown at Frame. All four members must be there and no
// others. The key is not looked at: Attach judges it. Errors are ErrBadFrame, and leave f
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

// ParseFrame reads one frame as JSON, with nothing but white space around it. Errors are
// ErrBadFrame.
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

func badFrame(text []byte, err error) error {
	return fmt.Errorf(`%w: %q: %w (a frame is {"key":"…","offset":"digits","size":number,"checksum":"16 hex digits"})`,
		ErrBadFrame, fberr.Clip(string(text)), err)
}

// String is the frame as one line of JSON.
func (f Frame) String() string {
	b, err := f.MarshalJSON()
	if err != nil { // strings and integers always marshal
		return fmt.Sprintf("framebuffer.Frame(%v)", err)
	}
	return string(b)
}
