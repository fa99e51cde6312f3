package main

import "slices"

// mutant is one broken ordering, and the tests that must notice it.
type mutant struct {
	name  string
	file  string
	edits []edit
	pkg   string
	test  string
}

// edit replaces text that stands in the file exactly once. Where the broken ordering is a window of an
// instruction or two, the new text also yields the processor, so that the tests need seconds and not
// days.
type edit struct{ old, new string }

const (
	ringPkg   = "./internal/ring"
	topicsPkg = "./internal/topics"
	systemPkg = "./test/system"
	topicPkg  = "./topic"
	sleepPkg  = "./internal/sleep"
)

func mutants() []mutant {
	return slices.Concat(ringMutants(), topicMutants(), firstMutants(), lifeMutants(), sleepMutants(), storeMutants())
}
