package main

import (
	"strings"
	"testing"
)

// Frames that become larger, or of another format, cannot be told apart in a stream of bytes.
func TestSubTellsOfAChange(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB")
	for _, video := range []string{"4x4:gray", "4x4:gray", "8x8:gray", "8x8:bayer_rggb8", "4x4:gray"} {
		size := 16
		if strings.HasPrefix(video, "8") {
			size = 64
		}
		if r := runHere(t, strings.Repeat("x", size), "pub", "cam", "--name", name, "--video", video); r.status != exitOK {
			t.Fatalf("%+v", r)
		}
	}
	r := runHere(t, "", "sub", "cam", "--name", name, "--from", "oldest")
	if r.status != exitOK || len(r.out) != 3*16+2*64 || strings.Count(r.err, "the frames changed") != 1 || !strings.Contains(r.err, "from 4x4 gray video/raw to 8x8 gray video/raw") {
		t.Errorf("%+v", r)
	}
	r = runHere(t, "", "sub", "cam", "--name", name, "--from", "oldest", "--strict")
	if r.status != exitFailed || len(r.out) != 2*16 || !strings.Contains(r.err, "from sequence 2 on") {
		t.Errorf("--strict: %+v", r)
	}
	r = runHere(t, "", "sub", "cam", "--name", name, "--from", "oldest", "--strict", "--count", "2")
	if r.status != exitOK || r.err != "" {
		t.Errorf("without a change: %+v", r)
	}
}
