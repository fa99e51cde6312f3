package main

// lifeMutants break how the kernel and other processes learn that a process has died.
func lifeMutants() []mutant {
	return []mutant{
		{
			name:  "life: the kernel's list does not have the words",
			file:  "internal/liveness/thread_unsafe.go",
			edits: []edit{{"	n.prev.entry.next.Store(n.address())\n", ""}},
			pkg:   systemPkg, test: "ServerDies/sysv/exit",
		},
		{
			name:  "life: an entry is unlinked by its neighbour's address",
			file:  "internal/liveness/thread_unsafe.go",
			edits: []edit{{"	n.prev.entry.next.Store(n.next.address())\n", "	n.prev.entry.next.Store(t.root.address())\n"}},
			pkg:   systemPkg, test: "AttachmentsDie",
		},
		{
			name:  "life: a thread has more words than the kernel walks",
			file:  "internal/liveness/liveness.go",
			edits: []edit{{"const perThread = 1024\n", "const perThread = 1 << 20\n"}},
			pkg:   systemPkg, test: "AttachmentsDie",
		},
		{
			name:  "life: a slot is taken by a store",
			file:  "internal/liveness/liveness.go",
			edits: []edit{{"	if !word.CompareAndSwap(old, w.value) {\n", "	for range 1000 {\n		_ = word.Load()\n	}\n	if word.Store(w.value); false {\n"}},
			pkg:   systemPkg, test: "StressSlots",
		},
		{
			name:  "life: the claim goes after the life word",
			file:  "internal/segment/slot.go",
			edits: []edit{{"		s.words.Claim().CompareAndSwap(s.Ticket, 0)\n	}\n	failpoint.Hit(failpoint.CloseUnclaimed)\n	s.life.Release()\n", "	}\n	s.life.Release()\n	for range 1000 {\n		_ = s.words.Claim().Load()\n	}\n	s.words.Claim().Store(0)\n"}},
			pkg:   systemPkg, test: "StressSlots",
		},
		{
			name:  "life: a dead client counts as attached",
			file:  "internal/topics/monitor.go",
			edits: []edit{{" && !layout.Died(s.Life().Load())\n", "\n"}},
			pkg:   systemPkg, test: "ClientDiesElsewhere",
		},
		{
			name:  "life: a server that ends in order is dead for an instant",
			file:  "internal/segment/create.go",
			edits: []edit{{"	s.Control.State().Store(layout.StateClosed)\n", "	s.Control.Server().Store(layout.LifeDied)\n	for range 100_000 {\n		_ = s.Control.State().Load()\n	}\n		s.Control.State().Store(layout.StateClosed)\n"}},
			pkg:   topicPkg, test: "ServerClosesInOrder",
		},
		{
			name:  "publish: does not check the server afterwards",
			file:  "topic/publisher.go",
			edits: []edit{{"		err = in.Ring.CheckOpen()\n", "		err = nil\n"}},
			pkg:   topicPkg, test: "Uncounted",
		},
		{
			name: "next: checks the server after the queue",
			file: "topic/wait.go",
			edits: []edit{
				{"	state, closed := s.topic.State(), s.segment.Ring.CheckOpen()\n", "	waiting := s.topic.Waiting(at)\n	time.Sleep(2 * time.Millisecond)\n	state, closed := s.topic.State(), s.segment.Ring.CheckOpen()\n"},
				{"	if !ended && closed == nil || !s.topic.Waiting(at) {\n", "	if !ended && closed == nil || !waiting {\n"},
			},
			pkg: topicPkg, test: "Uncounted",
		},
	}
}
