package collision

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/xxh3"
)

// Of any frame above 1 KiB almost all can be replaced, and the checksum stays.
func TestOf(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for _, n := range []int{Least, 1088, 1089, 2047, 2048, 2049, 2050, 4096, 5000, 1 << 20, 3<<20 + 17} {
		original, wanted := make([]byte, n), make([]byte, n)
		_, _ = random.Read(original) // never fails
		_, _ = random.Read(wanted)
		forged, err := Of(original, wanted)
		if err != nil || xxh3.Hash(forged) != xxh3.Hash(original) || bytes.Equal(forged, original) {
			t.Errorf("%d bytes: %v", n, err)
		}
		same := 0
		for i := range forged {
			if forged[i] == wanted[i] {
				same++
			}
		}
		if n >= 1<<20 && same < n/100*99 {
			t.Errorf("%d of %d bytes are as wanted", same, n)
		}
	}
	if _, err := Of(make([]byte, 1024), make([]byte, 1024)); err == nil {
		t.Error("1024 bytes have no whole block that is not the last")
	}
}
