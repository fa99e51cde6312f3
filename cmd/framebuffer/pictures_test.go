package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// endless is the same bytes again and again.
type endless struct{ part []byte }

func (e endless) Read(p []byte) (int, error) { return copy(p, e.part), nil }

// street is what the documentation shows: two cameras and telemetry by `pub`, one `sub` that
// keeps up and one whose output nobody takes, and a detector that holds a frame, is too late
// for another, and got a descriptor that was mangled on its way.
func street(t *testing.T) (name string) {
	name, s, _ := serving(t, "--size", "128MiB")
	begin := func(stdin io.Reader, stdout io.Writer, args ...string) {
		cmd := command(append(args, "--name", name)...)
		cmd.Stdin, cmd.Stdout = stdin, stdout
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
	}
	grey := endless{bytes.Repeat([]byte{127}, 1<<20)}
	begin(grey, nil, "pub", "camera/front", "--video", "1280x720:rgb24", "--rate", "30", "--wait", "2")
	begin(grey, nil, "pub", "camera/rear", "--video", "640x480:gray", "--rate", "15", "--wait", "1")
	begin(grey, nil, "pub", "telemetry", "--frame-size", "512", "--rate", "100", "--content-type", "application/json")
	begin(nil, nil, "sub", "camera/front")
	full, stuck, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(full.Close(), stuck.Close()) })
	begin(nil, stuck, "sub", "camera/rear")

	detector, err := framebuffer.Attach(s.Key, &framebuffer.ClientOptions{Name: "detector"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = detector.Close() })
	sub, err := topic.Subscribe(detector, "camera/front", nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		_ = sub.Close()
		<-ended
	})
	go func() {
		defer close(ended)
		var first framebuffer.Frame
		for n := 0; ; n++ {
			msg, err := sub.Next(t.Context())
			if err != nil {
				return
			}
			frame := msg.Frame
			switch n {
			case 0:
				first = frame
			case 10:
				if _, err := detector.Hold(frame, time.Hour); err != nil {
					t.Error(err)
					return
				}
			case 20:
				frame.Checksum++
			case 100:
				frame = first
			}
			_, _ = detector.Get(frame) // what fails is counted, and shown
		}
	}()
	return name
}

// The documentation's picture of top, and its figures of stat, are what the commands say of real
// processes. With -update they are made anew, which takes two minutes, for the lines to be full.
func TestPictures(t *testing.T) {
	name := street(t)
	term := inTerminal(t)
	term.run(`clear; "$FB" top --name ` + name)
	long := regexp.MustCompile(`(?m)^in +\S+ \S+ [▁-█]+ peak`)
	term.until("everybody", func(screen string) bool {
		return inOrder(screen, "open", "! …sub camera/rear (pid", "altered 1", "holds 1:", "A camera/front", "B camera/rear", "detector", "TOPIC 3", "SUBSCRIBER") &&
			(!*update || long.MatchString(screen))
	})
	picture := screenSVG(term.tmux("capture-pane", "-e", "-p"), 80, "framebuffer top, watching two cameras")
	if err := xml.NewDecoder(strings.NewReader(picture)).Decode(new(struct{})); err != nil {
		t.Fatalf("no XML: %v\n%s", err, picture)
	}
	for _, want := range []string{">framebuffer top<", `fill="#7fd962" font-weight="bold">open<`, "horizon ", "camera/front", "SUBSCRIBER", "quit"} {
		if !strings.Contains(strings.ReplaceAll(picture, "\u00a0", " "), want) {
			t.Errorf("no %q in\n%s", want, picture)
		}
	}
	term.keys("q")
	figures := runCommand(t, "", "stat", "--name", name)
	for _, want := range []string{"ring      open, 128 MiB", "H", "1 hold", "altered for detector", "sub camera/rear", "TOPIC"} {
		if !strings.Contains(figures.out, want) || figures.status != 0 {
			t.Errorf("no %q in\n%s\n%s", want, figures.out, figures.err)
		}
	}
	if !*update {
		return
	}
	if err := os.WriteFile("../../docs/monitoring/top.svg", []byte(picture), 0o644); err != nil {
		t.Fatal(err)
	}
	quoteInDocs(t, figures.out)
}

// quoted is where the documentation has what stat says.
var quoted = regexp.MustCompile(`(?s)(<!-- what stat says: [^\n]*-->\n\n)(?:    [^\n]*\n|\n)+`)

func quoteInDocs(t *testing.T, text string) {
	const file = "../../docs/monitoring.md"
	old, err := os.ReadFile(file)
	if err != nil || !quoted.Match(old) {
		t.Fatalf("%s has no place for it: %v", file, err)
	}
	indented := strings.ReplaceAll("    "+strings.TrimSpace(text), "\n", "\n    ")
	indented = regexp.MustCompile(`(?m) +$`).ReplaceAllString(indented, "")
	made := quoted.ReplaceAllFunc(old, func(b []byte) []byte {
		return append(quoted.FindSubmatch(b)[1], indented+"\n\n"...)
	})
	if err := os.WriteFile(file, made, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A screen's signs are all in its picture, in their ink.
func TestScreenSVG(t *testing.T) {
	got := runs("a\x1b[1;31mbc\x1b[0m \x1b[30;46m框\x1b[7m▃\x1b[m<")
	want := []textRun{
		{0, 1, "a", plainInk}, {1, 2, "bc", ink{colour: 1, ground: -1, bold: true}}, {3, 1, " ", plainInk},
		{4, 2, "框", ink{colour: 0, ground: 6}}, {6, 1, "▃", ink{colour: 0, ground: 6, reverse: true}}, {7, 1, "<", plainInk},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%+v, not %+v", got[i], want[i])
		}
	}
	if svg := screenSVG("a\x1b[7m▃\x1b[m<", 3, "x"); !strings.Contains(svg, "&lt;") || !strings.Contains(svg, `height="6.8" fill="#0f1419"`) {
		t.Error(svg)
	}
}
