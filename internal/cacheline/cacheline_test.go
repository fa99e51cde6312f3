package cacheline

import (
	"sync/atomic"
	"testing"
)

func TestStore(t *testing.T) {
	var words [3]atomic.Uint64
	PrefetchWrite(&words)
	PrefetchRead(&words)
	Store(&words[1], 1<<63|5)
	if words[0].Load() != 0 || words[1].Load() != 1<<63|5 || words[2].Load() != 0 {
		t.Errorf("stored %x", &words)
	}
	PrefetchWrite[byte](nil) // never faults
	PrefetchRead[byte](nil)
}
