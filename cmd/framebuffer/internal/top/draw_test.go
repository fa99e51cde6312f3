package top

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the screens in testdata")

// golden compares a screen with the one in testdata. A bar shows where its lines end.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: make it with `go test ./cmd/framebuffer/internal/top -update`, and look at it", err)
	}
	if got != string(want) {
		t.Errorf("%s is different; if it is as it should be: `go test ./cmd/framebuffer/internal/top -update`. Now:\n%s", file, got)
	}
}

// The screens themselves, as somebody without colour sees them.
func TestScreens(t *testing.T) {
	for _, c := range []struct{ scene, sizes string }{
		{"empty", "80x24"}, {"busy", "80x24 120x40 200x60 60x16 40x12 30x6 12x3"}, {"many", "80x24 120x50"}, {"holds", "80x24"},
		{"short", "80x24 160x36 40x12"}, {"first", "80x24"}, {"closed", "80x24 40x8"}, {"gone", "80x24"}, {"help", "80x24 50x20"},
		{"sorted", "80x24 100x30"}, {"ascii", "80x24"}, {"nothing", "80x24"},
	} {
		for size := range strings.FieldsSeq(c.sizes) {
			var w, h int
			if _, err := fmt.Sscanf(size, "%dx%d", &w, &h); err != nil {
				t.Fatal(err)
			}
			screen := ansi.Strip(Draw(scenes()[c.scene](), w, h))
			var b strings.Builder
			for line := range strings.SplitSeq(screen, "\n") {
				b.WriteString(line + strings.Repeat(" ", w-ansi.StringWidth(line)) + "|\n")
			}
			golden(t, c.scene+"-"+size+".txt", b.String())
		}
	}
}

// The same with colours, as a terminal gets it.
func TestColours(t *testing.T) {
	for _, name := range []string{"busy", "holds", "short"} {
		golden(t, name+"-80x24.ansi", Draw(scenes()[name](), 80, 24)+"\n")
	}
}

// Whatever the figures and the size, a screen fits, whichever way a terminal counts columns,
// and nothing but colours goes out beside its text.
func TestScreensFit(t *testing.T) {
	for name, scene := range scenes() {
		for _, ascii := range []bool{false, true} {
			for w := 1; w < 220; w += 1 + w/4 {
				for h := 1; h < 70; h += 1 + h/3 {
					v := scene()
					v.ASCII = ascii || v.ASCII
					fits(t, name, Draw(v, w, h), w, h, v.ASCII)
				}
			}
		}
	}
	if Draw(busy(), 0, 24) != "" || Draw(busy(), 80, -1) != "" {
		t.Error("something is drawn on no screen")
	}
}

func fits(t *testing.T, name, screen string, w, h int, ascii bool) {
	t.Helper()
	lines := strings.Split(screen, "\n")
	if len(lines) > h || h > 3 && name != "nothing" && len(lines) != h {
		t.Fatalf("%s on %dx%d: %d lines", name, w, h, len(lines))
	}
	for _, line := range lines {
		text := ansi.Strip(line)
		if ansi.StringWidth(text) > w || ansi.StringWidthWc(text) != ansi.StringWidth(text) {
			t.Fatalf("%s on %dx%d: %d or %d columns: %q", name, w, h, ansi.StringWidth(text), ansi.StringWidthWc(text), text)
		}
		for _, r := range text {
			if unicode.IsControl(r) || ascii && r > unicode.MaxASCII {
				t.Fatalf("%s on %dx%d: %q in %q", name, w, h, r, text)
			}
		}
	}
}

// Rows end where their header does, whatever the names.
func TestColumnsStandStraight(t *testing.T) {
	s := newScene(many(), pen{})
	for i, table := range []table{clientRows(s, s.pen), topicRows(s, s.pen), readerRows(s, s.pen)} {
		for w := 30; w < 250; w += 7 {
			lines := table.draw(&Order{}, s.pen, false, w, 100)
			for _, line := range lines[1:] {
				if got, want := ansi.StringWidth(line), ansi.StringWidth(lines[0]); got != want {
					t.Errorf("table %d in %d columns: a row has %d, the header %d: %q", i, w, got, want, ansi.Strip(line))
				}
			}
		}
	}
}

// Any text from others is made such that all terminals agree how wide it is.
func TestNames(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"plain", "plain"}, {"前方カメラ", "前方カメラ"}, {"e\u0301", "e\u0301"}, {"👨‍👩‍👧‍👦 family", "👨 family"}, {"❤️!", "❤!"}, {"1️⃣", "1"},
		{"🇩🇪", "?"}, {"\u202ex", "?x"}, {"a\u200bb", "a?b"}, {"\u2028", "?"}, {"\xff\xfe!", "??!"},
	} {
		if got := (pen{}).name(c.in); got != c.out {
			t.Errorf("%q becomes %q, not %q", c.in, got, c.out)
		}
	}
	if got := (pen{ascii: true}).name("カメラ é x"); got != "??? ? x" {
		t.Errorf("in ASCII: %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.SampledFrom(names)), func(s []string) string { return strings.Join(s, "") })).Draw(t, "name")
		p := pen{ascii: rapid.Bool().Draw(t, "ascii")}
		out := p.name(in)
		if ansi.StringWidth(out) != ansi.StringWidthWc(out) {
			t.Errorf("%q becomes %q, with %d or %d columns", in, out, ansi.StringWidth(out), ansi.StringWidthWc(out))
		}
		for _, r := range out {
			if !unicode.IsGraphic(r) || p.ascii && r > unicode.MaxASCII {
				t.Errorf("%q becomes %q, with %q in it", in, out, r)
			}
		}
		w := rapid.IntRange(1, 50).Draw(t, "width")
		if got := ansi.StringWidth(p.fit(p.squeeze(out, w), w, false)); got != w {
			t.Errorf("%q in %d columns has %d", out, w, got)
		}
	})
}
