package main

// pause yields the processor between two steps whose order was broken.
const pause = "	for range 200 {\n		_ = e.changed()\n	}\n"

func sleepMutants() []mutant {
	return []mutant{
		{
			name: "share: asks the waiters before it announces the sleeper",
			file: "internal/sleep/share.go",
			edits: []edit{
				{"		value, said := Say(e.word)\n", pause + "		value, said := Say(e.word)\n"},
				{"		e.value = value\n	}\n	s.ask(e)\n", "		e.value = value\n		return\n	}\n	s.ask(e)\n"},
			},
			pkg: sleepPkg, test: "StressShare/kernel",
		},
		{
			name:  "share: does not ask a waiter that joins later",
			file:  "internal/sleep/share.go",
			edits: []edit{{"	case w.ready():\n", "	case false:\n"}},
			pkg:   sleepPkg, test: "ReadyAtOnce",
		},
		{
			name: "share: sleeps on a later value of the word",
			file: "internal/sleep/run.go",
			edits: []edit{
				{"		watched[1+i] = futex.Await(e.word, e.value)\n", "		time.Sleep(20 * time.Microsecond)\n		watched[1+i] = futex.Await(e.word, e.word.Load())\n"},
			},
			pkg: sleepPkg, test: "StressShare/kernel",
		},
		{
			name:  "share: compares only the words that the kernel does not watch",
			file:  "internal/sleep/run.go",
			edits: []edit{{"	for i := kernel - 1; i >= 0; i-- {\n", "	for i := kernel - 2; i >= 0; i-- {\n"}},
			pkg:   sleepPkg, test: "StressShare/kernel",
		},
		{
			name:  "share: is woken when it sleeps, and not when it is about to",
			file:  "internal/sleep/share.go",
			edits: []edit{{"		s.call.Add(1)\n", ""}},
			pkg:   sleepPkg, test: "CalledBeforeItSleeps",
		},
		{
			name:  "share: does not load the words that the kernel does not watch",
			file:  "internal/sleep/run.go",
			edits: []edit{{"		s.glance(now, kernel)\n", ""}},
			pkg:   sleepPkg, test: "StressShare",
		},
	}
}
