package top

import (
	"slices"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// Bounds of the time between two snapshots.
const (
	shortest = 100 * time.Millisecond
	longest  = time.Minute
)

// model is what bubbletea drives: a View that keys and new figures change.
type model struct {
	look          func() (seen, error)
	view          View
	past          []*monitor.Snapshot // of the last Window, and one before
	last          int                 // number of the snapshot that is shown
	keys          keys
	width, height int
	round         int // which round of ticks counts: changing the interval begins a new one
	err           error
}

// seen is what one look returned.
type seen struct {
	number   int // of the look
	snapshot *monitor.Snapshot
	history  []monitor.Point
	spans    []monitor.Span
}

type (
	tick   struct{ round int }
	failed struct{ err error }
)

func newModel(look func() (seen, error), interval time.Duration, ascii bool) *model {
	return &model{
		look: look, keys: theKeys(pen{ascii}), width: 80, height: 24,
		view: View{Interval: min(max(interval, shortest), longest), ASCII: ascii},
	}
}

// Init takes the first snapshot, and soon a second one, which has rates.
func (m *model) Init() tea.Cmd {
	return tea.Batch(m.glance, tea.Tick(min(m.view.Interval, 300*time.Millisecond), func(time.Time) tea.Msg { return tick{} }))
}

// glance takes a snapshot.
func (m *model) glance() tea.Msg {
	s, err := m.look()
	if err != nil {
		return failed{err}
	}
	return s
}

func (m *model) next() tea.Cmd {
	round := m.round
	return tea.Tick(m.view.Interval, func(time.Time) tea.Msg { return tick{round} })
}

// Update takes in what has happened.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tick:
		if msg.round == m.round {
			return m, tea.Batch(m.glance, m.next()) // while paused too: the history goes on
		}
	case seen:
		m.take(msg)
	case failed:
		m.err = msg.err
		return m, tea.Quit
	case tea.ResumeMsg:
		return m, m.glance
	case tea.KeyPressMsg:
		return m, m.press(msg)
	}
	return m, nil
}

// View draws the screen.
func (m *model) View() tea.View {
	v := tea.NewView(Draw(&m.view, m.width, m.height))
	v.AltScreen = true
	v.WindowTitle = "framebuffer top"
	return v
}

// take shows what was seen, unless the screen is to stand still.
func (m *model) take(s seen) {
	if m.view.Paused && m.view.Snapshot != nil || s.number < m.last {
		return
	}
	m.last = s.number
	if n := len(m.past); n > 0 && m.past[n-1].Segment != s.snapshot.Segment {
		m.past = nil // another server's: nothing is to be compared with it
		m.view.Restarts++
	}
	old := 0
	for old+1 < len(m.past) && s.snapshot.Time.Sub(m.past[old+1].Time) >= monitor.Window {
		old++
	}
	m.past = append(slices.Delete(m.past, 0, old), s.snapshot)
	m.view.Snapshot, m.view.History, m.view.Spans, m.view.Before = s.snapshot, s.history, s.spans, nil
	if m.past[0] != s.snapshot {
		m.view.Before = m.past[0]
	}
}

// press does what a key says.
func (m *model) press(k tea.KeyPressMsg) tea.Cmd {
	v := &m.view
	o := &v.Tables[v.Focus]
	switch is := func(b key.Binding) bool { return key.Matches(k, b) }; {
	case v.Help && (is(m.keys.help) || k.String() == "esc"):
		v.Help = false
	case is(m.keys.quit):
		return tea.Quit
	case is(m.keys.help):
		v.Help = true
	case is(m.keys.suspend):
		return tea.Suspend
	case is(m.keys.focus):
		v.Focus = (v.Focus + 1) % tables
	case is(m.keys.back):
		v.Focus = (v.Focus + tables - 1) % tables
	case is(m.keys.sort):
		m.sort(1)
	case is(m.keys.unsort):
		m.sort(-1)
	case is(m.keys.reverse):
		o.Reverse = !o.Reverse
	case is(m.keys.up):
		o.Scroll--
	case is(m.keys.down):
		o.Scroll++
	case is(m.keys.pageUp):
		o.Scroll -= 10
	case is(m.keys.pageDown):
		o.Scroll += 10
	case is(m.keys.home):
		o.Scroll = 0
	case is(m.keys.end):
		o.Scroll = 1 << 30
	case is(m.keys.zoom):
		v.Zoom = !v.Zoom
	case is(m.keys.pause):
		v.Paused = !v.Paused
		if !v.Paused {
			return m.glance
		}
	case is(m.keys.faster):
		return m.every(v.Interval / 2)
	case is(m.keys.slower):
		return m.every(v.Interval * 2)
	}
	return nil
}

// sort goes to the next column that is shown, or the one before, by way of none: trouble first.
func (m *model) sort(by int) {
	o := &m.view.Tables[m.view.Focus]
	titles, all := []string{""}, columns(m.view.Focus)
	index, _ := shown(all, m.width)
	for _, i := range index {
		titles = append(titles, all[i].title)
	}
	at := max(slices.Index(titles, o.Column), 0)
	*o = Order{Column: titles[(at+by+len(titles))%len(titles)]}
}

// every changes the time between two snapshots.
func (m *model) every(interval time.Duration) tea.Cmd {
	m.view.Interval = min(max(interval, shortest), longest)
	m.round++
	return tea.Batch(m.glance, m.next())
}
