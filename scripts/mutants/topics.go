package main

// topicMutants break the orderings of publishers, subscribers and sleepers.
func topicMutants() []mutant {
	return []mutant{
		{
			name: "publish: takes a place without loading next again",
			file: "internal/topics/publish.go",
			edits: []edit{
				{"		case t.next.Load() != s: // or old could be of any lap\n", "		case false:\n"},
				{"		old := w.Load()\n", "		for range 200 {\n			_ = t.Ended()\n		}\n		old := w.Load()\n"},
			},
			pkg: topicsPkg, test: "StressPublish$",
		},
		{
			name: "publish: stores the sequence number after the record stands in the queue",
			file: "internal/topics/publish.go",
			edits: []edit{
				{"			if !e.setSequence(s) {\n", "			if false {\n"},
				{"				t.wake()\n", "				for range 200 {\n					_ = t.Ended()\n				}\n				e.setSequence(s)\n				t.wake()\n"},
			},
			pkg: topicsPkg, test: "StressPublish$",
		},
		{
			name:  "publish: a label keeps its first sequence number",
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
			name:  "publish: does not complete the publication of a publisher that died",
			file:  "internal/topics/publish.go",
			edits: []edit{{"			t.next.CompareAndSwap(s, s+1)\n		default:\n", "		default:\n"}},
			pkg:   topicsPkg, test: "DeadPublisher",
		},
		{
			name: "publish: loads wake before the frame stands in the queue",
			file: "internal/topics/publish.go",
			edits: []edit{
				{"			if w.CompareAndSwap(old, e.word()|t.lap(s)) {\n", "			t.wake()\n			for range 200 {\n				_ = t.Ended()\n			}\n			if w.CompareAndSwap(old, e.word()|t.lap(s)) {\n"},
				{"				failpoint.Hit(failpoint.PublishCounted)\n				t.wake()\n", ""},
			},
			pkg: topicsPkg, test: "StressSleep",
		},
		{
			name:  "publish: the place is filled by a store",
			file:  "internal/topics/publish.go",
			edits: []edit{{"			if w.CompareAndSwap(old, e.word()|t.lap(s)) {\n", "			for range 300 {\n				_ = t.Ended()\n			}\n			if w.Store(e.word() | t.lap(s)); true {\n"}},
			pkg:   topicsPkg, test: "StressPublish",
		},
		{
			name:  "publish: next moves before the place is filled",
			file:  "internal/topics/publish.go",
			edits: []edit{{"			if w.CompareAndSwap(old, e.word()|t.lap(s)) {\n", "			t.next.CompareAndSwap(s, s+1)\n			for range 300 {\n				_ = t.Ended()\n			}\n			if w.CompareAndSwap(old, e.word()|t.lap(s)) {\n"}},
			pkg:   topicsPkg, test: "StressPublish",
		},
		{
			name: "sleep: checks the queue before it announces the sleeper",
			file: "internal/topics/topics.go",
			edits: []edit{
				{"	f, said := sleep.Say(w)\n	failpoint.Hit(failpoint.SleepSaid)\n	if !said || ready() {\n", "	seen := ready()\n	for range 200 {\n		_ = t.Ended()\n	}\n	f, said := sleep.Say(w)\n	if !said || seen {\n"},
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
			name:  "end: wakes no sleeper",
			file:  "internal/topics/topics.go",
			edits: []edit{{"	failpoint.Hit(failpoint.EndTurned)\n	t.WakeAll()\n", "	failpoint.Hit(failpoint.EndTurned)\n"}},
			pkg:   topicsPkg, test: "AllAreWoken",
		},
		{
			name:  "end: wakes the sleepers before the state says ended",
			file:  "internal/topics/topics.go",
			edits: []edit{{"	t.setEnded(false)\n	failpoint.Hit(failpoint.EndTurned)\n	t.WakeAll()\n", "	t.WakeAll()\n	for range 100_000 {\n		_ = t.State()\n	}\n	t.setEnded(false)\n	failpoint.Hit(failpoint.EndTurned)\n"}},
			pkg:   topicsPkg, test: "EndBeforeTheWakeUp",
		},
		{
			name:  "wake all: a process that is about to sleep does not notice",
			file:  "internal/topics/topics.go",
			edits: []edit{{"	w.Wake().Add(2)\n	futex.Wake(w.Wake())\n", "	futex.Wake(w.Wake())\n"}},
			pkg:   topicsPkg, test: "AllAreWoken",
		},
		{
			name:  "wake all: sleepers are not woken",
			file:  "internal/topics/topics.go",
			edits: []edit{{"	w.Wake().Add(2)\n	futex.Wake(w.Wake())\n", "	w.Wake().Add(2)\n"}},
			pkg:   topicsPkg, test: "AllAreWoken",
		},
		{
			name: "wake: the system call comes before the word changes",
			file: "internal/topics/topics.go",
			edits: []edit{
				{"		if w.CompareAndSwap(f, (f+2)&^1) {\n			failpoint.Hit(failpoint.WakeCleared)\n			futex.Wake(w)\n", "		futex.Wake(w)\n		if w.CompareAndSwap(f, (f+2)&^1) {\n			failpoint.Hit(failpoint.WakeCleared)\n"},
			},
			pkg: topicsPkg, test: "StressSleep|AllAreWoken",
		},
		{
			name: "load: does not load the word again after next",
			file: "internal/topics/load.go",
			edits: []edit{
				{"		if int64(t.next.Load()-sequence) <= 0 {\n			return Unpublished\n", "		for range 1000 {\n			_ = t.Ended()\n		}\n		if int64(t.next.Load()-sequence) <= 0 {\n			return Unpublished\n"},
				{"		if w.Load() == word { // otherwise it has just been published\n			break\n		}\n", "		break\n"},
			},
			pkg: topicsPkg, test: "StressPublish|StressGroup",
		},
		{
			name:  "load: does not compare the record's sequence number",
			file:  "internal/topics/load.go",
			edits: []edit{{"	return rec.Sequence == sequence && ", "	return "}},
			pkg:   topicsPkg, test: "EntriesAreChecked",
		},
	}
}
