package line

import (
	"testing"
	"unsafe"
)

func TestStore(t *testing.T) {
	var words [3]uint64
	Want(unsafe.Pointer(&words))
	Store(&words[1], 1<<63|5)
	if words != [3]uint64{1: 1<<63 | 5} {
		t.Errorf("stored %x", words)
	}
	Want(nil) // never faults
}
