package copyhash

import (
	"math"
	"testing"
)

// How frames are stored by size, alignment and way.
func TestStores(t *testing.T) {
	_, even := region(make([]byte, 256), 0, 128)
	_, odd := region(make([]byte, 256), 32, 64)
	long := streamInFrom
	for _, tt := range []struct {
		dst    []byte
		n      int
		onward bool
		way    Way
		want   stores
	}{
		{even, 4096, false, Auto, leading},
		{even, 4096, true, Auto, leadingOn},
		{even, long - 1, true, Auto, leadingOn},
		{even, long, false, Auto, streamingOn},
		{odd, long, false, Auto, leading},
		{even, long, false, Cached, leading},
		{even, long, true, Cached, leadingOn},
		{even, 4096, true, Streaming, streamingOn},
		{odd, 4096, true, Streaming, leadingOn},
	} {
		want := tt.want
		if !canStream && want == streamingOn {
			want = leading
			if tt.onward {
				want = leadingOn
			}
		}
		if got := storesIn(tt.dst, tt.n, tt.onward, tt.way); got != want {
			t.Errorf("%d bytes in, %s: %s, want %s", tt.n, tt.way, got, want)
		}
	}
	if got := storesOut(even, leastStreamOut-1, false, Auto); got != fetching {
		t.Error(got)
	}
	if got := storesOut(even, 1<<30, true, Cached); got != fetchingOn {
		t.Error(got)
	}
	if got := storesOut(even, 1000, false, Streaming); canStream && got != streaming {
		t.Error(got)
	}
	if from := streamOutFrom(); canStream && from < math.MaxInt {
		for _, onward := range []bool{false, true} {
			if got := storesOut(even, from, onward, Auto); !got.bypass() || (got == streamingOn) != onward {
				t.Errorf("%d bytes out: %s", from, got)
			}
			if got := storesOut(odd, from, onward, Auto); got.bypass() {
				t.Errorf("%d bytes out to an odd place: %s", from, got)
			}
		}
	}
}

func TestOutLimit(t *testing.T) {
	for l3, want := range map[int]int{0: math.MaxInt, 1 << 20: leastStreamOut, 32 << 20: 12 << 20, 104 << 20: 39 << 20} {
		if got := outLimit(l3); got != want {
			t.Errorf("L3 of %d: %d, want %d", l3, got, want)
		}
	}
}
