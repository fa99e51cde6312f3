package web

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// maxViewers is how many pages may be fed at a time.
const maxViewers = 32

// feed takes a snapshot every second, also while no page is open, and sends updates to all open pages.
type feed struct {
	monitor *monitor.Monitor

	mu      sync.Mutex
	viewers map[viewer]struct{}
}

// viewer passes updates to a page. It holds the newest one only: a slow page skips updates and delays no
// other page.
type viewer chan []byte

func newFeed(m *monitor.Monitor) *feed {
	return &feed{monitor: m, viewers: make(map[viewer]struct{})}
}

// run sends updates until ctx ends or the monitor is closed.
func (f *feed) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for f.tell() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tell sends an update to all viewers. It returns false after the monitor's Close.
func (f *feed) tell() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.viewers) == 0 {
		_, err := f.monitor.Snapshot() // for the monitor's history
		return err == nil
	}
	text, err := f.look()
	if err != nil {
		return false
	}
	for v := range f.viewers {
		select {
		case <-v: // not taken yet, and old now
		default:
		}
		v <- text // there is room: only this function sends, under the mutex
	}
	return true
}

// join adds a viewer, which has its first update at once. It returns false if there are
// enough.
func (f *feed) join() (viewer, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.viewers) == maxViewers {
		return nil, false
	}
	v := make(viewer, 1)
	if text, err := f.look(); err == nil {
		v <- text
	}
	f.viewers[v] = struct{}{}
	return v, true
}

func (f *feed) leave(v viewer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.viewers, v)
}

// update is what a page gets: all that it shows, so that it need not remember anything.
type update struct {
	Snapshot *monitor.Snapshot `json:"snapshot"`
	Ring     []int             `json:"ring"` // see paint
	Plot     plot              `json:"plot"`
}

// plot has the points of the monitor's history, column by column; unknown and for ever are
// null.
type plot struct {
	Ago      []float64         `json:"ago"` // seconds since the newest, so 0 and below
	Written  []float64         `json:"written"`
	Read     []float64         `json:"read"`
	Timeouts []float64         `json:"timeouts"`
	Now      []monitor.Seconds `json:"now"` // the horizon
	Worst    []monitor.Seconds `json:"worst"`
}

// look returns an update, as JSON.
func (f *feed) look() ([]byte, error) {
	s, err := f.monitor.Snapshot()
	if err != nil {
		return nil, err
	}
	spans, err := f.monitor.Spans(s)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(update{s, paint(spans, s.Capacity), plotOf(f.monitor.History())})
	if err != nil {
		return nil, fmt.Errorf("figures as JSON: %w", err)
	}
	return text, nil
}

// apart joins points that are less than a second apart: scrapes and pictures take snapshots too, and rates
// over short times vary widely.
func apart(points []monitor.Point) (all []monitor.Point) {
	for i := 0; i < len(points); {
		p := points[i]
		i++
		for i < len(points) && p.Span < 0.9 {
			p = join(p, points[i])
			i++
		}
		all = append(all, p)
	}
	return all
}

// join makes one point of two that follow each other.
func join(a, b monitor.Point) monitor.Point {
	first, second := float64(a.Span), float64(b.Span)
	for c := range b.Rates {
		b.Rates[c] = (a.Rates[c]*first + b.Rates[c]*second) / (first + second)
	}
	b.Span += a.Span
	return b
}

func plotOf(points []monitor.Point) plot {
	p := plot{Ago: []float64{}}
	for _, at := range apart(points) {
		ago := at.Time.Sub(points[len(points)-1].Time).Seconds()
		p.Ago = append(p.Ago, math.Round(ago*100)/100)
		p.Written = append(p.Written, math.Round(at.Rates[monitor.WrittenBytes]))
		p.Read = append(p.Read, math.Round(at.Rates[monitor.ReadBytes]))
		p.Timeouts = append(p.Timeouts, math.Round(at.Rates.Timeouts()*10)/10)
		p.Now = append(p.Now, at.Horizon.Now)
		p.Worst = append(p.Worst, at.Horizon.Worst)
	}
	return p
}
