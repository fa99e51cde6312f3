package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// A camera outlives its server: ffmpeg writes on while there is none, sub gets whole frames in
// their order from both servers, and what pub published and what it lost is what ffmpeg wrote.
func TestVideoAcrossARestart(t *testing.T) {
	t.Parallel()
	testproc.NeedTools(t, "ffmpeg")
	const size = 160 * 120 * 3
	source := []string{"-f", "lavfi", "-i", "testsrc=size=160x120:rate=25"}
	raw := []string{"-f", "rawvideo", "-pix_fmt", "rgb24", "-"}

	name := ofTests()
	_, server := servingAs(t, name, "--size", "32MiB")
	file, err := os.Create(filepath.Join(t.TempDir(), "video"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sub := &spoken{&running{Cmd: command("sub", "cam", "--name", name)}, nil, &heard{more: make(chan struct{}, 1)}}
	sub.Stdout, sub.Stderr = file, sub.err
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Process.Kill() })
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	pub := speaking(t, read, "pub", "cam", "--video", "160x120:rgb24", "--wait", "1", "--name", name)
	camera := testproc.Command("ffmpeg", append(append([]string{"-nostdin", "-v", "error", "-nostats", "-progress", "pipe:2", "-re"}, source...), raw...)...)
	var progress bytes.Buffer
	camera.Stdout, camera.Stderr = write, &progress
	if err := camera.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = camera.Process.Kill() })
	_, _ = read.Close(), write.Close() // the children's alone: the pipe breaks if pub ends

	awaitSize(t, file, 10*size)
	ends(t, server, syscall.SIGKILL)
	sub.err.await(t, "waiting")
	pub.err.await(t, "unserved") // the first frame that is lost
	servingAs(t, name, "--size", "32MiB")
	sub.err.await(t, "is back")
	pub.err.await(t, "is back")
	before, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	awaitSize(t, file, before.Size()+10*size)
	if err := camera.Process.Signal(os.Interrupt); err != nil { // the end of a recording, as by q
		t.Fatal(err)
	}
	if err := camera.Wait(); camera.ProcessState.ExitCode() != 255 || strings.Contains(progress.String(), "roken pipe") {
		t.Errorf("ffmpeg: %v: %s", err, &progress)
	}
	var wrote, frames, bytesOut, lost int
	for _, m := range regexp.MustCompile(`frame=\s*(\d+)`).FindAllStringSubmatch(progress.String(), -1) {
		wrote, _ = strconv.Atoi(m[1]) // the last one counts
	}
	p := pub.end(t)
	totals := p.err[strings.LastIndex(strings.TrimSpace(p.err), "\n")+1:]
	if _, err := fmt.Sscanf(totals, "framebuffer: pub cam: %d frames, %d bytes, %d lost", &frames, &bytesOut, &lost); err != nil || p.status != exitOK {
		t.Fatalf("pub: %v, %+v", err, p)
	}
	if frames+lost != wrote || lost == 0 || bytesOut != frames*size || !strings.Contains(totals, fmt.Sprintf("(%d unserved)", lost)) {
		t.Errorf("ffmpeg wrote %d frames; %s", wrote, totals)
	}
	if r := sub.running.end(t); r.status != exitOK || strings.Count(sub.err.String(), "\n") != 2 {
		t.Errorf("sub: status %d, %s", r.status, sub.err)
	}
	got, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != frames*size {
		t.Errorf("%d bytes, of %d frames of %d", len(got), frames, size)
	}
	all := ffmpeg(t, nil, append(append(source, "-frames:v", strconv.Itoa(wrote)), raw...)...)
	at, skipped := 0, 0
	for n := 0; n+size <= len(got); n += size {
		for ; at+size <= len(all) && !bytes.Equal(got[n:n+size], all[at:at+size]); at += size {
			skipped++
		}
		if at += size; at > len(all) {
			t.Fatalf("frame %d that sub wrote is none of those of ffmpeg that follow", n/size)
		}
	}
	if skipped != lost {
		t.Errorf("sub skipped %d frames of ffmpeg's, pub lost %d", skipped, lost)
	}
}

// awaitSize returns when a file is that long.
func awaitSize(t testing.TB, file *os.File, size int64) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		now, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if now.Size() >= size {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s has %d bytes, not %d", file.Name(), now.Size(), size)
		}
	}
}
