package main

// ringMutants break the orderings of allocators, readers and holders.
func ringMutants() []mutant {
	return []mutant{
		{
			name: "allocate: loads the holds before it adds to head",
			file: "internal/ring/batch.go",
			edits: []edit{
				{"	c = (r.head.Add(n) - n) &^ (layout.Align - 1)\n", `	guess := r.head.Load()
	_, blocked := r.endOfHolds(guess, n, now)
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
			name:  "allocate: the end of a batch is stored before its beginning",
			file:  "internal/ring/batch.go",
			edits: []edit{{"	if b.next.CompareAndSwap(old, c+n) {\n		b.end.Store(c + b.size)\n	}\n", "	b.end.Store(c + b.size)\n	for range 300 {\n		_ = b.end.Load()\n	}\n	b.next.CompareAndSwap(old, c+n)\n"}},
			pkg:   ringPkg, test: "StressBatch",
		},
		{
			name: "allocate: head moves in two steps",
			file: "internal/ring/batch.go",
			edits: []edit{{"	c = (r.head.Add(n) - n) &^ (layout.Align - 1)\n", `	c = r.head.Load() &^ (layout.Align - 1)
	for range 1000 {
		_ = r.alive(c)
	}
	r.head.Store(c + n)
`}},
			pkg: ringPkg, test: "StressView|StressBatch|TornReads",
		},
		{
			name:  "allocate: ignores holds that are not confirmed yet",
			file:  "internal/ring/hold_table.go",
			edits: []edit{{"			if s, _, ok := r.loadHold(&r.holds.entries[i], now, grace); ok {\n				if e, yes", "			if s, term, ok := r.loadHold(&r.holds.entries[i], now, grace); ok && term&layout.HoldConfirmed != 0 {\n				if e, yes"}},
			pkg:   ringPkg, test: "StressHolds|StressJoin|HoldTooLate|ExtendTooLate",
		},
		{
			name:  "allocate: allocators respect holds without grace",
			file:  "internal/ring/hold_table.go",
			edits: []edit{{"			if s, _, ok := r.loadHold(&r.holds.entries[i], now, grace); ok {\n				if e, yes", "			if s, _, ok := r.loadHold(&r.holds.entries[i], now, 0); ok {\n				if e, yes"}},
			pkg:   ringPkg, test: "TestHold|TestExtend",
		},
		{
			name:  "view: does not load head after reading",
			file:  "internal/ring/inplace.go",
			edits: []edit{{"	if !r.Intact(offset) { // after everything that the caller has read\n		return r.errOverwritten(offset)\n	}\n	return nil\n", "	return nil\n"}},
			pkg:   ringPkg, test: "StressView",
		},
		{
			name: "hold: checks that the chunk is alive before it publishes the hold",
			file: "internal/ring/hold.go",
			edits: []edit{
				{"	now := r.now()\n	if err := h.claim(", "	alive := r.intact(h.span.start)\n	now := r.now()\n	if err := h.claim("},
				{"	if !r.intact(h.span.start) || !h.confirm() {\n", "	if !alive || !h.confirm() {\n"},
			},
			pkg: ringPkg, test: "HoldTooLate",
		},
		{
			name:  "hold: an allocator does not scan again when holds were made during its scan",
			file:  "internal/ring/hold_table.go",
			edits: []edit{{"		if held || r.holds.gen.Load() == gen {\n", "		_ = gen\n		if true {\n"}},
			pkg:   ringPkg, test: "HoldJoinedUnderScan",
		},
		{
			name:  "hold: a hold made after the allocator read the clock counts as nonsense",
			file:  "internal/ring/hold_table.go",
			edits: []edit{{"(end-now <= most || end-r.now() <= most)", "end-now <= most"}},
			pkg:   ringPkg, test: "HoldYoungerThanTheClock",
		},
		{
			name:  "extend: does not read the clock again",
			file:  "internal/ring/hold.go",
			edits: []edit{{"	if r.now() >= endOf(old) || ", "	if r.now() < 0 || "}},
			pkg:   ringPkg, test: "ExtendTooLate",
		},
		{
			name: "extend: the hold stays confirmed while it changes",
			file: "internal/ring/hold.go",
			edits: []edit{
				{"	next := newTerm(r.now() + int64(d))\n", "	next := newTerm(r.now()+int64(d)) | layout.HoldConfirmed\n"},
			},
			pkg: ringPkg, test: "ExtendTooLate",
		},
		{
			name:  "read, hold: relies on a hold that is not confirmed",
			file:  "internal/ring/hold_table.go",
			edits: []edit{{"			if term&layout.HoldConfirmed != 0 && r.holds.entries[i].Term.Load() == term {\n", "			if r.holds.entries[i].Term.Load() == term {\n"}},
			pkg:   ringPkg, test: "StressJoin|ExtendTooLate",
		},
		{
			name:  "read: does not compare the checksum",
			file:  "internal/ring/transfer.go",
			edits: []edit{{"	if got != sum {\n		clear(dst)\n		return", "	if got != got {\n		clear(dst)\n		return"}},
			pkg:   ringPkg, test: "LappedWriter|Altered|TornReads",
		},
	}
}
