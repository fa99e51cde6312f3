package main

// mutant is one broken ordering, and the tests that are to notice it.
type mutant struct {
	name  string
	file  string
	edits []edit
	pkg   string
	test  string
}

// edit replaces text that stands in the file exactly once. Where the break alone is a window
// of an instruction or two, the new text also yields the processor, so that the tests need
// seconds and not days.
type edit struct{ old, new string }

const ringPkg, topicsPkg = "./internal/ring", "./internal/topics"

var mutants = []mutant{
	{
		name: "allocate: looks at holds before it adds to head",
		file: "internal/ring/batch.go",
		edits: []edit{
			{"	c = (r.head.Add(n) - n) &^ (layout.Align - 1)\n", `	guess := r.head.Load()
	_, blocked := r.heldIn(guess, n, now)
	for range 3000 {
		_ = r.alive(guess)
	}
	c = (r.head.Add(n) - n) &^ (layout.Align - 1)
`},
			{"	if r.mayBeHeld(now) {\n", "	if blocked {\n"},
		},
		pkg: ringPkg, test: "StressHolds|StressJoin",
	},
	{
		name:  "view: does not look at head after reading",
		file:  "internal/ring/place.go",
		edits: []edit{{"	if !r.Intact(offset) { // after everything that look has read\n		return Reused, r.reused(offset)\n	}\n	return None, err\n", "	return None, err\n"}},
		pkg:   ringPkg, test: "StressView",
	},
	{
		name: "hold: looks whether the chunk is alive before it publishes",
		file: "internal/ring/hold.go",
		edits: []edit{
			{"	now := r.now()\n	if err := h.claim(", "	alive := r.intact(h.span.start)\n	now := r.now()\n	if err := h.claim("},
			{"	if !r.intact(h.span.start) || !h.confirm() {\n", "	if !alive || !h.confirm() {\n"},
		},
		pkg: ringPkg, test: "HoldTooLate",
	},
	{
		name:  "hold: an allocator does not look again when holds were made meanwhile",
		file:  "internal/ring/holds.go",
		edits: []edit{{"		if held || r.holdGen.Load() == gen {\n", "		_ = gen\n		if true {\n"}},
		pkg:   ringPkg, test: "HoldJoinedUnderScan",
	},
	{
		name:  "extend: does not look at the clock again",
		file:  "internal/ring/hold.go",
		edits: []edit{{"	if r.now() >= endOf(old) || ", "	if r.now() < 0 || "}},
		pkg:   ringPkg, test: "ExtendTooLate",
	},
	{
		name: "extend: stays confirmed meanwhile",
		file: "internal/ring/hold.go",
		edits: []edit{
			{"	next := newTerm(r.now() + int64(d))\n", "	next := newTerm(r.now()+int64(d)) | layout.HoldConfirmed\n"},
		},
		pkg: ringPkg, test: "ExtendTooLate",
	},
	{
		name: "publish: takes a place without looking at next again",
		file: "internal/topics/publish.go",
		edits: []edit{
			{"		case t.next.Load() != s: // or old could be of any lap\n", "		case false:\n"},
			{"		old := w.Load()\n", "		for range 200 {\n			_ = t.Ended()\n		}\n		old := w.Load()\n"},
		},
		pkg: topicsPkg, test: "StressPublish$",
	},
	{
		name: "publish: numbers the record after it stands in the queue",
		file: "internal/topics/publish.go",
		edits: []edit{
			{"			if !e.number(s) {\n", "			if false {\n"},
			{"				t.wake()\n", "				for range 200 {\n					_ = t.Ended()\n				}\n				e.number(s)\n				t.wake()\n"},
		},
		pkg: topicsPkg, test: "StressPublish$",
	},
	{
		name:  "publish: a label keeps the number that it was made with",
		file:  "internal/topics/publish.go",
		edits: []edit{{"	case e.label.Sequence != sequence:", "	case false:"}},
		pkg:   topicsPkg, test: "StressPublish$",
	},
	{
		name: "publish: takes the label without compare-and-swap",
		file: "internal/layout/label_unsafe.go",
		edits: []edit{
			{"	if stamp == 0 || !(*atomic.Uint64)(unsafe.Pointer(&w[5])).CompareAndSwap(0, stamp) {\n		return false\n	}\n",
				"	if stamp == 0 || (*atomic.Uint64)(unsafe.Pointer(&w[5])).Load() != 0 {\n		return false\n	}\n	for range 3000 {\n		_ = (*atomic.Uint64)(unsafe.Pointer(&w[0])).Load()\n	}\n	(*atomic.Uint64)(unsafe.Pointer(&w[5])).Store(stamp)\n"},
		},
		pkg: topicsPkg, test: "StressPublishTwice",
	},
	{
		name:  "allocate: the end of a batch is there before its beginning",
		file:  "internal/ring/batch.go",
		edits: []edit{{"	if b.next.CompareAndSwap(old, c+n) {\n		b.end.Store(c + b.size)\n	}\n", "	b.end.Store(c + b.size)\n	for range 300 {\n		_ = b.end.Load()\n	}\n	b.next.CompareAndSwap(old, c+n)\n"}},
		pkg:   ringPkg, test: "StressBatch",
	},
	{
		name:  "publish: does not help a publisher that died",
		file:  "internal/topics/publish.go",
		edits: []edit{{"			t.next.CompareAndSwap(s, s+1)\n		default:\n", "		default:\n"}},
		pkg:   topicsPkg, test: "DeadPublisher",
	},
	{
		name: "publish: looks for sleepers before the frame is there",
		file: "internal/topics/publish.go",
		edits: []edit{
			{"			if w.CompareAndSwap(old, e.word()|t.lap(s)) {\n", "			t.wake()\n			for range 200 {\n				_ = t.Ended()\n			}\n			if w.CompareAndSwap(old, e.word()|t.lap(s)) {\n"},
			{"				failpoint.Hit(failpoint.PublishCounted)\n				t.wake()\n", ""},
		},
		pkg: topicsPkg, test: "StressSleep",
	},
	{
		name: "sleep: looks before it says that it sleeps",
		file: "internal/topics/topics.go",
		edits: []edit{
			{"	f := w.Load()\n	if f&1 == 0 {\n		if !w", "	seen := ready()\n	for range 200 {\n		_ = t.Ended()\n	}\n	f := w.Load()\n	if f&1 == 0 {\n		if !w"},
			{"	if ready() {\n", "	if seen {\n"},
		},
		pkg: topicsPkg, test: "StressSleep",
	},
	{
		name:  "group: takes a frame without compare-and-swap",
		file:  "internal/topics/group.go",
		edits: []edit{{"	return g.words.Cursor().CompareAndSwap(from+1, to+1)\n", "	g.words.Cursor().Store(to + 1)\n	return true\n"}},
		pkg:   topicsPkg, test: "StressGroup",
	},
	{
		name:  "hold: one that is younger than an allocator's clock is nonsense",
		file:  "internal/ring/holds.go",
		edits: []edit{{"(end-now <= most || end-r.now() <= most)", "end-now <= most"}},
		pkg:   ringPkg, test: "HoldYoungerThanTheClock",
	},
	{
		name:  "end: wakes nobody",
		file:  "internal/topics/topics.go",
		edits: []edit{{"	failpoint.Hit(failpoint.EndTurned)\n	t.Kick()\n", "	failpoint.Hit(failpoint.EndTurned)\n"}},
		pkg:   topicsPkg, test: "EverybodyIsWoken",
	},
	{
		name:  "end: wakes before it says that there is nothing more",
		file:  "internal/topics/topics.go",
		edits: []edit{{"	t.turn(false)\n	failpoint.Hit(failpoint.EndTurned)\n	t.Kick()\n", "	t.Kick()\n	for range 100_000 {\n		_ = t.State()\n	}\n	t.turn(false)\n	failpoint.Hit(failpoint.EndTurned)\n"}},
		pkg:   topicsPkg, test: "EndBeforeTheWakeUp",
	},
	{
		name:  "kick: who is about to sleep does not notice",
		file:  "internal/topics/topics.go",
		edits: []edit{{"	w.Wake().Add(2)\n	futex.Wake(w.Wake())\n", "	futex.Wake(w.Wake())\n"}},
		pkg:   topicsPkg, test: "EverybodyIsWoken",
	},
	{
		name:  "kick: who sleeps is not woken",
		file:  "internal/topics/topics.go",
		edits: []edit{{"	w.Wake().Add(2)\n	futex.Wake(w.Wake())\n", "	w.Wake().Add(2)\n"}},
		pkg:   topicsPkg, test: "EverybodyIsWoken",
	},
}
