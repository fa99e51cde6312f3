package top

import (
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// Who is too slow is told, with the worst first, and nobody else.
func TestWorries(t *testing.T) {
	for name, want := range map[string][]string{
		"busy": nil, "empty": nil, "many": nil, "holds": nil, "first": nil,
		"short": {
			"框架检测器 (pid 31) loses 17.2 frames/s of camera/front",
			"…sub camera/front (pid 4901): lag 92 in camera/front, 59 overwritten",
			"lidar driver (pid 4803) died without detaching",
			"框架检测器 (pid 31) has 14.2 timeouts/s",
			"…sub camera/front (pid 4901) is stopped",
			"frames lived for only 280 ms in the last minute",
			"recorder 📼 (pid 4810): lag 19 of 33 in camera/front",
			"recorder 📼 (pid 4810) has a lag of 78% of the ring",
		},
	} {
		s := newScene(scenes()[name](), pen{})
		var got []string
		for _, w := range s.worries {
			got = append(got, w.text)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: %s", name, strings.Join(got, "\n"))
		}
	}
	// Of a topic of which there may be more frames than were looked for, the depth counts.
	v := short()
	for range monitor.MaxSpans {
		v.Spans = append(v.Spans, monitor.Span{Topic: 0, Length: 64})
	}
	for _, w := range newScene(v, pen{}).worries {
		if strings.Contains(w.text, ": lag ") {
			t.Error(w.text)
		}
	}
	v = short()
	v.Snapshot.Clients[3].Counts[monitor.Altered] += 7
	if all := newScene(v, pen{}).worries; !strings.Contains(all[4].text, "found 7 altered frames") {
		t.Errorf("%+v", all)
	}
}

func TestOnlyASCII(t *testing.T) {
	for _, c := range []struct {
		environ string
		want    bool
	}{
		{"TERM=xterm", false}, {"TERM=xterm LANG=C", true}, {"TERM=xterm LANG=de_DE.UTF-8", false}, {"TERM=xterm LANG=C.utf8", false},
		{"TERM=xterm LANG=C.UTF-8 LC_CTYPE=en_US.ISO-8859-1", true}, {"TERM=xterm LC_ALL=C.UTF-8 LC_CTYPE=POSIX LANG=C", false},
		{"TERM=vt100", true}, {"TERM=vt220 LANG=C.UTF-8", true}, {"TERM=dumb", true}, {"", true}, {"TERM=linux", false},
	} {
		values := map[string]string{}
		for field := range strings.FieldsSeq(c.environ) {
			k, v, _ := strings.Cut(field, "=")
			values[k] = v
		}
		if got := onlyASCII(func(name string) string { return values[name] }); got != c.want {
			t.Errorf("%s: %t", c.environ, got)
		}
	}
}

// What goes to a terminal that can nothing has neither escape sequences nor keys.
func TestPlain(t *testing.T) {
	v := short()
	v.ASCII = true
	screen := plain(v, 80, 24)
	if strings.ContainsRune(screen, '\x1b') || strings.Contains(screen, "quit") || !strings.HasSuffix(screen, "\n\n") ||
		!strings.Contains(screen, "loses 17.2 frames/s") || strings.Count(screen, "\n") > 25 {
		t.Errorf("%s", screen)
	}
}

func TestFigures(t *testing.T) {
	for want, got := range map[string]string{
		"0 B": bytes(-1), "<1 B": bytes(0.3), "83 MB": bytes(82.9e6), "0": count(0), "99999": count(99_999), "100k": count(100_000), "1.5M": count(1_500_000),
		"18.4E": count(1<<64 - 1), "<0.1": rate(0.01), "29.9": rate(29.94), "1500": rate(1500), "9.2E": rate(1e300), "0%": percent(0, 0), "50%": percent(1, 2), ">999%": percent(100, 2),
	} {
		if want != got {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
