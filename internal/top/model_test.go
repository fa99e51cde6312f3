package top

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// keyCodes are the keys that are no characters.
var keyCodes = map[string]rune{
	"tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp,
	"home": tea.KeyHome, "end": tea.KeyEnd, "enter": tea.KeyEnter, "esc": tea.KeyEscape, "space": tea.KeySpace, "f1": tea.KeyF1,
}

// pressed sends keys to a model and returns the text of its screen, and what the last one
// asked for.
func pressed(m *model, keys ...string) (string, tea.Cmd) {
	var cmd tea.Cmd
	for _, name := range keys {
		k := tea.KeyPressMsg{Text: name, Code: []rune(name)[0]}
		if rest, ok := strings.CutPrefix(name, "shift+"); ok {
			k = tea.KeyPressMsg{Code: keyCodes[rest], Mod: tea.ModShift}
		} else if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
			k = tea.KeyPressMsg{Code: []rune(rest)[0], Mod: tea.ModCtrl}
		} else if code := keyCodes[name]; code != 0 {
			k = tea.KeyPressMsg{Code: code}
		}
		_, cmd = m.Update(k)
	}
	return ansi.Strip(m.View().Content), cmd
}

func modelOf(v *View) *model {
	m := newModel(func() (seen, error) { return seen{0, v.Snapshot, v.History, v.Spans}, nil }, time.Second, false)
	m.Update(m.glance())
	return m
}

// header is the line of a screen that names a table's columns.
func header(screen, table string) (line string, rows []string) {
	lines := strings.Split(screen, "\n")
	for i, l := range lines {
		if len(l) > 3 && strings.Contains(l, table+" ") || strings.Contains(l, table+"▾ ") || strings.Contains(l, table+"▴ ") {
			return l, lines[i+1:]
		}
	}
	return "", nil
}

func TestKeys(t *testing.T) {
	m := modelOf(many())
	for _, c := range []struct{ keys, table, says, row string }{
		{"s", "CLIENT", ">", "  "}, // by name: the one without a name is first
		{"s", "CLIENT", "PID▾", "框架检测器             31"},
		{"r", "CLIENT", "PID▴", "12183"},
		{"S", "CLIENT", "CLIENT▾", ""},
		{"right right right right", "CLIENT", "WRITE/s▾", "front camera"},
		{"left left left left left", "CLIENT", ">▾CLIENT", "framebuffer serve"},
		{"left", "CLIENT", "TIMEOUTS▾", ""},
		{"tab s s", "TOPIC", "FRAMES/s▾", "+ 状态/速度"},
		{"r", "TOPIC", "FRAMES/s▴", "ended"},
		{"s s", "TOPIC", "FRAMES▾", "t59"},
		{"down down", "TOPIC", "3-7/64", "t57"},
		{"up", "TOPIC", "2-6/64", "t58"},
		{"pgdown", "TOPIC", "12-16/64", "t48"},
		{"end", "TOPIC", "60-64/64", ""},
		{"down", "TOPIC", "60-64/64", ""},
		{"pgup", "TOPIC", "50-54/64", ""},
		{"g", "TOPIC", "1-5/64", "t59"},
		{"up", "TOPIC", "1-5/64", "t59"},
		{"z", "TOPIC", "1-13/64", "t59"},
		{"enter", "TOPIC", "1-5/64", "t59"},
		{"tab", "SUBSCRIBER", ">▾SUBSCRIBER", ""},
		{"tab", "CLIENT", ">", ""},
		{"shift+tab", "SUBSCRIBER", ">▾SUBSCRIBER", ""},
	} {
		screen, _ := pressed(m, strings.Fields(c.keys)...)
		line, rows := header(screen, c.table)
		if line == "" || !strings.Contains(line, c.says) || !strings.Contains(rows[0], c.row) {
			t.Errorf("after %s: the header %q is to say %q, and the first row %q: %q", c.keys, line, c.says, rows, c.row)
		}
	}
	if screen, _ := pressed(m, "?"); !strings.Contains(screen, "how long a frame written now lives") || strings.Contains(screen, "SUBSCRIBER") {
		t.Errorf("no help:\n%s", screen)
	}
	if screen, cmd := pressed(m, "esc"); !strings.Contains(screen, "SUBSCRIBER") || cmd != nil {
		t.Errorf("still help, or the end:\n%s", screen)
	}
	for _, key := range []string{"q", "ctrl+c", "esc"} {
		if _, cmd := pressed(m, key); cmd == nil || cmd() != tea.Quit() {
			t.Errorf("%s does not end it", key)
		}
	}
	if _, cmd := pressed(m, "ctrl+z"); cmd == nil || cmd() != tea.Suspend() {
		t.Error("ctrl+z does not stop it")
	}
	if screen, cmd := pressed(m, "x"); cmd != nil || !strings.Contains(screen, "SUBSCRIBER") {
		t.Errorf("x does something:\n%s", screen)
	}
}

// Paused, the screen stands still, whatever is seen; keys work.
func TestPause(t *testing.T) {
	m := modelOf(busy())
	before, _ := pressed(m, "space")
	if !strings.Contains(before, "PAUSED") {
		t.Errorf("not said to be paused:\n%s", before)
	}
	later := short()
	m.look = func() (seen, error) { return seen{0, later.Snapshot, later.History, later.Spans}, nil }
	m.Update(m.glance())
	if after, _ := pressed(m); after != before {
		t.Errorf("the screen has changed to\n%s", after)
	}
	if after, _ := pressed(m, "tab"); after == before {
		t.Error("keys do nothing")
	}
	_, cmd := pressed(m, "p")
	if cmd == nil {
		t.Fatal("nothing is looked at after the pause")
	}
	m.Update(cmd())
	if after, _ := pressed(m); strings.Contains(after, "PAUSED") || !strings.Contains(after, "timeouts 14.2/s") {
		t.Errorf("after the pause:\n%s", after)
	}
}

// The interval halves and doubles within its bounds, and old ticks do not count.
func TestInterval(t *testing.T) {
	m := modelOf(busy())
	for range 20 {
		pressed(m, "+")
	}
	if m.view.Interval != shortest {
		t.Errorf("%s after faster", m.view.Interval)
	}
	if _, cmd := m.Update(tick{0}); cmd != nil {
		t.Error("a tick of an old interval counts")
	}
	if _, cmd := m.Update(tick{m.round}); cmd == nil {
		t.Error("a tick does not count")
	}
	for range 20 {
		pressed(m, "-")
	}
	if m.view.Interval != longest {
		t.Errorf("%s after slower", m.view.Interval)
	}
}

// What is compared with is from about a Window before.
func TestBefore(t *testing.T) {
	m := newModel(nil, time.Second, false)
	if m.view.Before != nil {
		t.Error("something was before the beginning")
	}
	for i := range 20 {
		s := *empty().Snapshot
		s.Time = noon.Add(time.Duration(i) * time.Second)
		m.Update(seen{snapshot: &s})
		want := time.Duration(min(i, 5)) * time.Second
		if i == 0 {
			if m.view.Before != nil {
				t.Error("the first is compared with itself")
			}
		} else if got := s.Time.Sub(m.view.Before.Time); got != want {
			t.Errorf("at %d s it is compared with %s before", i, got)
		}
	}
	if len(m.past) > 7 {
		t.Errorf("%d snapshots are kept", len(m.past))
	}
}

// Another server's figures begin anew, and that it is another is told; what was seen earlier and
// comes late does not bring the old one back.
func TestAnotherServer(t *testing.T) {
	first, second := inState(monitor.Gone).Snapshot, empty().Snapshot
	second.Segment = "77777777"
	m := newModel(nil, time.Second, true)
	m.view.Follows = true
	m.Update(seen{number: 1, snapshot: first})
	if screen, _ := pressed(m); !strings.Contains(screen, "GONE") || !strings.Contains(screen, "Waiting for the next one.") || strings.Contains(screen, "restarted") {
		t.Errorf("killed, and another is looked for:\n%s", screen)
	}
	m.Update(seen{number: 3, snapshot: second})
	m.Update(seen{number: 2, snapshot: first})
	if screen, _ := pressed(m); !strings.Contains(screen, "open  restarted 1x") || !strings.Contains(screen, "head 60%  lap 0.0") || m.view.Before != nil {
		t.Errorf("another one is there:\n%s", screen)
	}
	m.Update(seen{number: 4, snapshot: first})
	m.view.Follows = false
	if screen, _ := pressed(m); !strings.Contains(screen, "restarted 2x") || !strings.Contains(screen, "For another: framebuffer top KEY") {
		t.Errorf("with a key:\n%s", screen)
	}
}

func TestResizeAndFailure(t *testing.T) {
	m := modelOf(many())
	m.Update(tea.WindowSizeMsg{Width: 100, Height: 40})
	screen, _ := pressed(m)
	if lines := strings.Split(screen, "\n"); len(lines) != 40 {
		t.Errorf("%d lines", len(lines))
	}
	wrong := errors.New("wrong")
	m.look = func() (seen, error) { return seen{}, wrong }
	if _, cmd := m.Update(m.glance()); cmd == nil || cmd() != tea.Quit() || !errors.Is(m.err, wrong) {
		t.Errorf("a failure does not end it: %v", m.err)
	}
}

// Who is too slow is told, with the worst first, and nobody else.
func TestWorries(t *testing.T) {
	for name, want := range map[string][]string{
		"busy": nil, "empty": nil, "many": nil, "holds": nil, "first": nil,
		"short": {
			"框架检测器 (pid 31) loses 17.2 frames/s of camera/front",
			"…sub camera/front (pid 4901) is 92 behind in camera/front, 59 gone",
			"lidar driver (pid 4803) is gone without leaving",
			"框架检测器 (pid 31) has 14.2 timeouts/s",
			"…sub camera/front (pid 4901) is stopped",
			"frames lived for only 280 ms in the last minute",
			"recorder 📼 (pid 4810) is 19 of 33 behind in camera/front",
			"recorder 📼 (pid 4810) reads what was written 78% of the ring ago",
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
		if strings.Contains(w.text, "behind") {
			t.Error(w.text)
		}
	}
	v = short()
	v.Snapshot.Clients[3].Counts.Altered += 7
	if all := newScene(v, pen{}).worries; !strings.Contains(all[4].text, "found 7 frames altered") {
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
