package record_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// disk is a small disk of the test's own.
type disk struct{ dir string }

func newDisk(t *testing.T, size string) disk {
	t.Helper()
	testproc.NeedRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		testproc.Need(t, false, fmt.Sprintf("the right to mount a tmpfs: %v", err))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return disk{dir}
}

func (d disk) filler() string { return filepath.Join(d.dir, "filler") }

// fill fills it up to that many bytes, with a file that free takes away.
func (d disk) fill(t *testing.T, left int64) {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(d.dir, &fs); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(d.filler())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.CopyN(f, zeroes{}, int64(fs.Bavail)*fs.Bsize-left); err != nil && !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	for left == 0 { // what others have freed since
		if _, err := f.Write(make([]byte, 1<<12)); err != nil {
			return
		}
	}
}

func (d disk) free(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		t.Fatal(err)
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

// A recorder goes on by itself when a disk that was full has room again, and when JetStream's limit, which follows the disk, can
// be larger; it says once what is wrong, where, and what was lost, and nothing that it stored is damaged.
func TestDiskIsFullWhileRecording(t *testing.T) {
	for what, c := range map[string]struct {
		before int64 // bytes that are free when the server starts; 0: all
		says   string
	}{
		"disk":  {0, "no space left on device"},
		"limit": {12 << 20, "limits exceeded"},
	} {
		t.Run(what, func(t *testing.T) {
			d := newDisk(t, "64m")
			if c.before > 0 {
				d.fill(t, c.before)
			}
			var log, serverLog natstest.Log
			name := "full." + what + strconv.FormatInt(time.Now().UnixNano(), 36)
			server, _ := natstest.Serve(t, service.ServeOptions{Name: name, Host: "h", JetStream: filepath.Join(d.dir, "streams"), Logger: slog.New(slog.NewTextHandler(&serverLog, nil))})
			client := natstest.Connect(t, service.Options{Name: name})
			r := startRecorder(t, client.NATS(), natstest.Attach(t, server.Key()), record.RecorderOptions{Topic: "cam", Logger: slog.New(slog.NewTextHandler(&log, nil))})
			pub, err := topic.NewPublisher(r.ring, "cam")
			if err != nil {
				t.Fatal(err)
			}
			published := uint64(0)
			until := func(what string, ok func(record.RecorderStats) bool) {
				t.Helper()
				for end := time.Now().Add(2 * natstest.Limit); !ok(r.Stats()); time.Sleep(5 * time.Millisecond) {
					select {
					case err := <-r.done:
						t.Fatalf("%s: the recorder ended: %v\n%s", what, err, &serverLog)
					default:
					}
					if time.Now().After(end) {
						t.Fatalf("%s: %+v\n%s", what, r.Stats(), &serverLog)
					}
					if _, err := pub.Publish(natstest.Content(published, 100_000), nil); err != nil {
						t.Fatal(err)
					}
					published++
				}
			}
			until("recording", func(s record.RecorderStats) bool { return s.Frames >= 10 })
			if c.before == 0 {
				d.fill(t, 0)
			}
			until("trouble", func(s record.RecorderStats) bool { return s.Trouble != "" && s.Lost > 0 })
			for _, want := range []string{c.says, d.dir, "host h", "make room"} {
				if s := r.Stats(); !strings.Contains(s.Trouble, want) {
					t.Errorf("no %q in %q", want, s.Trouble)
				}
			}
			d.free(t)
			stored := r.Stats().Frames
			until("goes on", func(s record.RecorderStats) bool { return s.Frames >= stored+20 && log.Count("stores again") > 0 })
			if err := pub.End(); err != nil {
				t.Fatal(err)
			}
			if err := r.ended(t); err != nil {
				t.Fatal(err)
			}
			s := r.Stats()
			if s.Frames+s.Lost != published || s.Lost == 0 || s.Refused != 0 {
				t.Errorf("%d published: %+v", published, s)
			}
			for _, once := range []string{"JetStream does not store", "JetStream stores again"} {
				if n := log.Count(once); n != 1 {
					t.Errorf("%q was said %d times:\n%s", once, n, &log)
				}
			}
			if serverLog.Count(d.dir) == 0 {
				t.Errorf("the server says nothing of the disk:\n%s", &serverLog)
			}
			again := natstest.RingOf(t, 128<<20)
			if p := replay(t, client.NATS(), again, record.PlayerOptions{Recording: "cam"}); p.Frames != s.Frames || p.Damaged+p.Incomplete+p.Refused != 0 {
				t.Errorf("%+v of %+v", p, s)
			}
		})
	}
}
