package main

import (
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/demo"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func runDemo(t *testing.T, args ...string) (res demo.Result) {
	t.Helper()
	// On a slow machine it takes longer until the slow reader is late.
	for _, duration := range []string{"1500ms", "5s", "15s"} {
		r := runCommand(t, "", append([]string{"--json", "demo", "--duration", duration}, args...)...)
		res = demo.Result{}
		if err := json.Unmarshal([]byte(r.out), &res); err != nil || r.status != 0 {
			t.Fatalf("status %d, %v\n%s\n%s", r.status, err, r.out, r.err)
		}
		for _, member := range []string{"took_seconds", "p50_seconds", "p99_seconds", "took_ns", "p50_ns"} { // _ns: deprecated
			if !strings.Contains(r.out, `"`+member+`":`) {
				t.Errorf("no member %s in %s", member, r.out)
			}
		}
		all := res.Rows[len(res.Rows)-1]
		slow := res.Rows[len(res.Rows)-2]
		if all.Wrong != 0 || res.Unanswered != 0 || all.Frames <= all.Timeouts || all.Frames < res.Sent {
			t.Errorf("%+v", res)
		}
		if slow.Timeouts > 0 {
			return res
		}
	}
	t.Errorf("the slow reader was never late: %+v", res)
	return res
}

// The demo on Go's own pictures: frames arrive, the slow reader times out, nothing is lost
// from the books, and the picture that the reader saved is a picture.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	res := runDemo(t, "--size", "24MiB", "--save", dir)
	if !strings.Contains(res.Pictures, "testdata") {
		t.Errorf("pictures from %s", res.Pictures)
	}
	f, err := os.Open(filepath.Join(dir, "reader-1.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil || img.Bounds().Dx() != demo.Width || img.Bounds().Dy() != demo.Height {
		t.Errorf("saved %v, %v", img, err)
	}
}

// A video that ffmpeg made goes through, frame by frame.
func TestDemoWithVideo(t *testing.T) {
	testproc.NeedTools(t, "ffmpeg")
	video := filepath.Join(t.TempDir(), "test.mp4")
	if out, err := testproc.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=10:duration=2",
		"-pix_fmt", "yuv420p", video).CombinedOutput(); err != nil {
		t.Fatalf("make a video: %v\n%s", err, out)
	}
	// So small a ring that a slow reader is late on a slow machine as well.
	if res := runDemo(t, video, "--size", "24MiB"); res.Pictures != video {
		t.Errorf("pictures from %s", res.Pictures)
	}
}

// A ring that holds hardly more than one frame makes writers and readers time out all the
// time: still nothing wrong and nothing missing.
func TestDemoOnATinyRing(t *testing.T) {
	runDemo(t, "--size", "9MB", "--writers", "3", "--readers", "1")
}

// The demo tells where to look while it runs, and what is to be seen there.
func TestDemoTellsItsPage(t *testing.T) {
	r := runCommand(t, "", "demo", "--duration", "2s", "--size", "64MiB")
	for _, want := range []string{"See the same at http://127.0.0.1:", "horizon ", " laps"} {
		if !strings.Contains(r.out, want) || r.status != 0 {
			t.Errorf("no %q in\n%s\n%s", want, r.out, r.err)
		}
	}
}
