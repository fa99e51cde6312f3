package main

// storeMutants take away what keeps cached stores from being chosen where they cost more.
func storeMutants() []mutant {
	const learner, paces = "internal/ring/learner.go", "internal/ring/paces.go"
	return []mutant{
		{
			name:  "stores: a reader that does not report counts as near",
			file:  paces,
			edits: []edit{{"ns > maxGrowth || unreported(read, bytes, moved) {", "ns > maxGrowth {"}},
			pkg:   ringPkg, test: "UnknownReaders|KnownReaders",
		},
		{
			name:  "stores: what slot 0 reads does not matter",
			file:  paces,
			edits: []edit{{"!left && unreported(read, 0, moved) {", "!left && unreported(read, read, moved) {"}},
			pkg:   ringPkg, test: "UnknownReaders",
		},
		{
			name:  "stores: large frames are learnt in every ring",
			file:  "internal/ring/stores.go",
			edits: []edit{{"r.capacity <= s.cache()/2", "s.cache() < 1<<62"}},
			pkg:   ringPkg, test: "WhereItLearns",
		},
		{
			name:  "stores: the fastest reader decides",
			file:  paces,
			edits: []edit{{"nanos, r = max(nanos, float64(ns)/float64(bytes)), known", "nanos, r = float64(ns)/float64(bytes), known\n			break"}},
			pkg:   ringPkg, test: "SlowestReader",
		},
		{
			name:  "stores: figures that cannot be are believed",
			file:  paces,
			edits: []edit{{"read > maxGrowth || bytes > maxGrowth || ns > maxGrowth || unreported", "unreported"}},
			pkg:   ringPkg, test: "HostileCounters|GrowthThatCannotBe",
		},
		{
			name:  "stores: the way that is not safe is not watched",
			file:  learner,
			edits: []edit{{"l.slow >= manySlow || now >= l.due", "now >= l.due"}},
			pkg:   ringPkg, test: "LeavesCached|FollowsTheMachine",
		},
		{
			name:  "stores: the way that is not safe goes on when the readers become unknown",
			file:  learner,
			edits: []edit{{"l.chosen != l.safe && (l.untold >= manyUntold || l.silent >= manySilent)", "false"}},
			pkg:   ringPkg, test: "KnownReaders",
		},
		{
			name:  "stores: an experiment ends without its last window",
			file:  learner,
			edits: []edit{{"		l.other = l.best\n		l.turn(toChosen, l.chosen, now, head)\n", "		l.other = l.best\n		l.decide(l.before, now, head)\n"}},
			pkg:   ringPkg, test: "WakingMachine",
		},
		{
			name:  "stores: after a pause the way is the last one",
			file:  learner,
			edits: []edit{{"		l.choose(l.safe, now, head)\n		l.due = now\n", "		l.choose(l.chosen, now, head)\n		l.due = now\n"}},
			pkg:   ringPkg, test: "Pause",
		},
		{
			name:  "stores: experiments cost what they cost",
			file:  learner,
			edits: []edit{{"now >= l.due && l.spent >= l.owed", "now >= l.due"}},
			pkg:   ringPkg, test: "StaysStreamingFar|LeavesCached",
		},
	}
}
