package top

import (
	"image/color"
	"math"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// Columns of a plot beside the plot itself.
const (
	plotLabel = 19
	plotTail  = 16
)

// plots are the lines of what went in and out and of the horizon, over the time that is kept.
func plots(v *scene, p pen, width, rows int) (in, out, horizon []string) {
	s := v.Snapshot
	tail := plotTail
	if width < 60 {
		tail = 0
	}
	columns := min(max(width-plotLabel-tail, 0), 2*int(monitor.Kept.Seconds()))
	step := monitor.Kept.Seconds() / float64(max(columns, 1))
	ins := series(v.History, columns, step, func(p *monitor.Point) float64 { return p.Rates[monitor.AllocatedBytes] }, false)
	outs := series(v.History, columns, step, func(p *monitor.Point) float64 { return p.Rates[monitor.ReadBytes] }, false)
	lives := series(v.History, columns, step, func(p *monitor.Point) float64 { return float64(p.Horizon.Now) }, true)
	note := func(s string) string {
		if tail == 0 {
			return ""
		}
		return s
	}
	peak := max(highest(ins), highest(outs)) // one scale, so that the two can be compared
	in = p.plot("in", bytes(s.Rates[monitor.AllocatedBytes])+"/s", note("peak "+bytes(highest(ins))+"/s"), linear(ins, peak), rows, lipgloss.Green)
	out = p.plot("out", bytes(s.Rates[monitor.ReadBytes])+"/s", note("peak "+bytes(highest(outs))+"/s"), linear(outs, peak), rows, lipgloss.Cyan)
	horizon = p.plot("horizon", s.Horizon.Now.String(), note("least "+lowest(lives).String()), logarithmic(lives), rows, lipgloss.Magenta)
	return in, out, horizon
}

// series cuts the time that is kept into n steps of some seconds, the last one ending with
// the newest point: for each the mean of what the points in it say, or the least of it; NaN
// where there are none. Ages come from the points' spans, since wall clocks jump.
func series(points []monitor.Point, n int, step float64, of func(*monitor.Point) float64, least bool) []float64 {
	values, weights := make([]float64, n), make([]float64, n)
	for i := range values {
		values[i] = math.NaN()
	}
	age := 0.0 // of the point's end
	for i := len(points) - 1; i >= 0; i-- {
		span := float64(points[i].Span)
		v := of(&points[i])
		if !(span > 0) || math.IsNaN(v) {
			age += max(span, 0)
			continue
		}
		for k := int(age / step); k < n && float64(k)*step < age+span; k++ {
			w := min(age+span, float64(k+1)*step) - max(age, float64(k)*step)
			at := n - 1 - k
			switch old := values[at]; {
			case w <= 0:
			case math.IsNaN(old):
				values[at], weights[at] = v, w
			case least:
				values[at] = min(old, v)
			default:
				values[at] = (old*weights[at] + v*w) / (weights[at] + w)
				weights[at] += w
			}
		}
		age += span
	}
	return values
}

func highest(values []float64) (most float64) {
	for _, v := range values {
		if v > most && !math.IsInf(v, 0) {
			most = v
		}
	}
	return most
}

// lowest is not known when nothing is.
func lowest(values []float64) monitor.Seconds {
	least := math.NaN()
	for _, v := range values {
		if !(v >= least) && !math.IsNaN(v) {
			least = v
		}
	}
	return monitor.Seconds(least)
}

// linear scales values to 0 to 1.
func linear(values []float64, most float64) []float64 {
	scaled := make([]float64, len(values))
	for i, v := range values {
		switch {
		case math.IsNaN(v), v <= 0:
			scaled[i] = v
		default:
			scaled[i] = v / most
		}
	}
	return scaled
}

// logarithmic scales lengths of time, which may go from milliseconds to for ever, to 0 to 1,
// over a factor of ten at least.
func logarithmic(values []float64) []float64 {
	top := highest(values)
	bottom := top / 10
	if least := float64(lowest(values)); least > 0 && least < bottom {
		bottom = least
	}
	scaled := make([]float64, len(values))
	for i, v := range values {
		switch {
		case math.IsNaN(v):
			scaled[i] = v
		case math.IsInf(v, 0):
			scaled[i] = 1
		case v <= bottom:
			scaled[i] = 0.01
		default:
			scaled[i] = max(math.Log(v/bottom)/math.Log(top/bottom), 0.01)
		}
	}
	return scaled
}

// plot draws values from 0 to 1 as columns of some lines. What is not known is left blank, 0
// is the lowest sign, and what is more than 0 at least the next one.
func (p pen) plot(name, now, tail string, values []float64, rows int, c color.Color) []string {
	signs := []rune(p.pick("▁▂▃▄▅▆▇█", "_.:-=+*#"))
	style := lipgloss.NewStyle().Foreground(c)
	lines := make([]string, rows)
	for row := range lines {
		below := float64((rows - 1 - row) * len(signs)) // steps in the lines below this one
		var b strings.Builder
		for _, v := range values {
			steps := 1 + math.Round(v*float64(rows*len(signs)-1))
			if v > 0 {
				steps = max(steps, 2)
			}
			switch in := steps - below; {
			case math.IsNaN(v) || in < 1:
				b.WriteByte(' ')
			default:
				b.WriteRune(signs[int(min(in, float64(len(signs))))-1])
			}
		}
		label := strings.Repeat(" ", plotLabel)
		if row == 0 {
			label = p.fit(name, 8, false) + p.fit(p.text(now), plotLabel-9, true) + " "
		}
		lines[row] = label + style.Render(b.String())
		if row == 0 && tail != "" {
			lines[row] += " " + p.faint(p.text(tail))
		}
	}
	return lines
}
