package top

import (
	"strings"

	"charm.land/bubbles/v2/help"
	"charm.land/bubbles/v2/key"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// keys are what can be pressed.
type keys struct {
	quit, focus, back, sort, unsort, reverse, up, down, pageUp, pageDown, home, end, zoom, pause, slower, faster, help, suspend key.Binding
}

func theKeys(p pen) keys {
	bind := func(shown, does string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(shown, does))
	}
	return keys{
		quit:     bind("q", "quit", "q", "ctrl+c", "esc"),
		focus:    bind("tab", "next table", "tab"),
		back:     bind("shift+tab", "table before", "shift+tab"),
		sort:     bind("s", "sort by next", "s", "right"),
		unsort:   bind("S", "sort by previous", "S", "left"),
		reverse:  bind("r", "reverse", "r"),
		up:       bind(p.pick("↑", "up")+"/k", "up", "up", "k"),
		down:     bind(p.pick("↓", "down")+"/j", "down", "down", "j"),
		pageUp:   bind("pgup", "10 up", "pgup"),
		pageDown: bind("pgdn", "10 down", "pgdown"),
		home:     bind("home/g", "first", "home", "g"),
		end:      bind("end/G", "last", "end", "G"),
		zoom:     bind("z", "zoom", "z", "enter"),
		pause:    bind("space", "pause", "space", "p"),
		slower:   bind("-", "slower", "-"),
		faster:   bind("+", "faster", "+", "="),
		help:     bind("?", "help", "?", "h", "f1"),
		suspend:  bind("ctrl+z", "suspend", "ctrl+z"),
	}
}

// footer names the keys that matter most.
func footer(p pen, width int) string {
	k := theKeys(p)
	k.focus.SetHelp("tab", "table")
	k.sort.SetHelp("s", "sort")
	k.up.SetHelp(p.pick("↑↓", "up/down"), "scroll")
	return helper(p, width).ShortHelpView([]key.Binding{k.quit, k.help, k.focus, k.sort, k.reverse, k.up, k.zoom, k.pause, k.faster, k.slower})
}

// helpText is what there is instead of the tables: all keys, and what the words mean.
func helpText(p pen, width, room int) []string {
	k := theKeys(p)
	text := helper(p, width).FullHelpView([][]key.Binding{
		{k.focus, k.back, k.sort, k.unsort, k.reverse, k.zoom},
		{k.up, k.down, k.pageUp, k.pageDown, k.home, k.end},
		{k.pause, k.faster, k.slower, k.help, k.suspend, k.quit},
	})
	lines := append(strings.Split(text, "\n"), "")
	const indent = 10
	for _, word := range [][2]string{
		{"horizon", "how long a frame written now lives. worst: in the last minute"},
		{"in, out", "bytes allocated and bytes read, over 90 s and on one scale"},
		{"LAG", "of a client: what was allocated since the frame it last touched, in parts of the ring. Of a subscriber: frames it has yet to see"},
		{"LOST", "frames that were overwritten before the subscriber came to them"},
		{"TIMEOUTS", "reads that failed: so far or, if they do now, each second"},
		{"!", "too slow, or goes wrong now. First, unless sorted otherwise"},
	} {
		for i, line := range strings.Split(ansi.Wordwrap(p.text(word[1]), max(width-indent, 1), ""), "\n") {
			if i > 0 {
				word[0] = ""
			}
			lines = append(lines, p.fit(word[0], indent, false)+line)
		}
	}
	return lines[:max(min(len(lines), room), 0)]
}

func helper(p pen, width int) help.Model {
	h := help.New()
	bold, plain := lipgloss.NewStyle().Bold(true), lipgloss.NewStyle()
	h.Styles = help.Styles{ShortKey: bold, FullKey: bold, ShortDesc: plain, FullDesc: plain}
	h.ShortSeparator, h.FullSeparator, h.Ellipsis = "  ", "   ", p.pick("…", "~")
	h.SetWidth(width)
	return h
}
