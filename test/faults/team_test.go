//go:build failpoints

package faults

import (
	"maps"
	"slices"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// team is a process of each kind at work on one segment.
type team struct {
	t      testing.TB
	key    string
	mood   string
	procs  map[string]*testproc.Proc
	before map[string]uint64 // rounds that it had told of
	all    tally             // of those that are gone, as far as they told
}

func newTeam(t testing.TB, key, mood string) *team {
	m := &team{t: t, key: key, mood: mood, procs: map[string]*testproc.Proc{}, before: map[string]uint64{}}
	for _, kind := range everyone() {
		m.start(kind)
	}
	return m
}

// everyone is all kinds, in order.
func everyone() []string { return slices.Sorted(maps.Keys(kinds)) }

// start begins a kind's work, with options.
func (m *team) start(kind string, opts ...testproc.Option) *testproc.Proc {
	m.t.Helper()
	p := testproc.StartWith(m.t, opts, "work", m.key, kind, m.mood)
	var ready string
	p.Recv(&ready)
	m.procs[kind] = p
	m.before[kind] = 0
	return p
}

// told is what a worker has done so far; not ok if it has ended.
func (m *team) told(kind string) (n tally, ok bool) {
	p := m.procs[kind]
	if p.TrySend("") != nil || p.TryRecv(&n) != nil {
		return n, false
	}
	return n, true
}

// atWork waits until every worker has made progress since the last call: none hangs.
func (m *team) atWork(but ...string) {
	m.t.Helper()
	for _, kind := range everyone() {
		if slices.Contains(but, kind) {
			continue
		}
		eventually(m.t, kind+" goes on", func() bool {
			n, ok := m.told(kind)
			if !ok {
				if m.mood != "hostile" || m.procs[kind].Wait() != nil {
					m.t.Fatalf("%s is gone: %v", kind, m.procs[kind].Wait())
				}
				m.start(kind) // it could not attach
				return true
			}
			m.look(kind, n)
			if n.Rounds == m.before[kind] {
				return false
			}
			m.before[kind] = n.Rounds
			return true
		})
	}
}

// look fails the test for what no worker may see.
func (m *team) look(kind string, n tally) {
	m.t.Helper()
	if n.Wrong > 0 || n.Note != "" {
		m.t.Fatalf("%s: %+v", kind, n)
	}
}

// goHome ends all workers in order.
func (m *team) goHome() tally {
	m.t.Helper()
	for _, kind := range everyone() {
		if n, ok := m.told(kind); ok {
			m.look(kind, n)
			m.all.add(n)
		}
		m.procs[kind].Done()
	}
	return m.all
}
