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
	if screen, _ := pressed(m); !strings.Contains(screen, "restarted 2x") || !strings.Contains(screen, "For another: framebuffer top --key KEY") {
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
