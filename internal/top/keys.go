package top

import (
	"strings"

	"charm.land/bubbles/v2/help"
	"charm.land/bubbles/v2/key"
	"charm.land/lipgloss/v2"
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
		focus:    bind("tab", "table", "tab"),
		back:     bind("shift+tab", "table before", "shift+tab"),
		sort:     bind("s", "sort", "s", "right"),
		unsort:   bind("S", "sort by column before", "S", "left"),
		reverse:  bind("r", "reverse", "r"),
		up:       bind(p.pick("↑", "up")+"/k", "row up", "up", "k"),
		down:     bind(p.pick("↓", "down")+"/j", "row down", "down", "j"),
		pageUp:   bind("pgup", "ten rows up", "pgup"),
		pageDown: bind("pgdn", "ten rows down", "pgdown"),
		home:     bind("home/g", "first row", "home", "g"),
		end:      bind("end/G", "last row", "end", "G"),
		zoom:     bind("z", "zoom", "z", "enter"),
		pause:    bind("space", "pause", "space", "p"),
		slower:   bind("-", "half as often", "-"),
		faster:   bind("+", "twice as often", "+", "="),
		help:     bind("?", "help", "?", "h", "f1"),
		suspend:  bind("ctrl+z", "to the background", "ctrl+z"),
	}
}

// footer names the keys that matter most.
func footer(p pen, width int) string {
	k := theKeys(p)
	scroll := key.NewBinding(key.WithKeys("up"), key.WithHelp(p.pick("↑↓", "up/down"), "scroll"))
	return helper(p, width).ShortHelpView([]key.Binding{k.quit, k.help, k.focus, k.sort, k.reverse, scroll, k.zoom, k.pause, k.faster, k.slower})
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
	for _, l := range []string{
		"horizon   how long a frame written now lives; worst: in the last minute",
		"in, out   bytes allocated and bytes read, on one scale; 90 s",
		"LAG       of a client: how much was allocated since the frame it last",
		"          touched, of the ring; of a subscriber: frames it has yet to see",
		"LOST      frames overwritten before the subscriber came to them",
		"TIMEOUTS  reads that failed, so far or, if it happens now, each second",
		"!         is too slow or goes wrong now; such rows come first unless sorted",
	} {
		lines = append(lines, p.text(l))
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
