package main

// firstMutants break how publishers and mirrors agree on where a topic's numbers begin.
func firstMutants() []mutant {
	const begin = "internal/topics/first.go"
	return []mutant{
		{
			name:  "first: the claim is a store",
			file:  begin,
			edits: []edit{{"		first.CompareAndSwap(0, with+1)\n", "		for range 300 {\n			_ = t.Ended()\n		}\n		first.Store(with + 1)\n"}},
			pkg:   topicsPkg, test: "StressBegin",
		},
		{
			name:  "first: another's claim is not carried out",
			file:  begin,
			edits: []edit{{"	with = first.Load() - 1\n", ""}},
			pkg:   topicsPkg, test: "ClaimIsCarriedOut",
		},
		{
			name:  "first: next moves and the words of the skipped numbers stay",
			file:  begin,
			edits: []edit{{"		t.word(s).CompareAndSwap(0, t.lap(s))\n", "		_ = s\n"}},
			pkg:   topicsPkg, test: "ClaimIsCarriedOut|StressBegin",
		},
		{
			name:  "first: an ordinary publisher claims nothing",
			file:  "internal/topics/publish.go",
			edits: []edit{{"			t.settleFirst(0)\n", "			for range 300 {\n				_ = t.Ended()\n			}\n"}},
			pkg:   topicsPkg, test: "ClaimIsCarriedOut|StressBegin",
		},
		{
			name:  "first: the numbers below the first count as lost",
			file:  begin,
			edits: []edit{{"		at = max(at, first-1)\n", "		_ = first\n"}},
			pkg:   topicsPkg, test: "ClaimIsCarriedOut",
		},
	}
}
