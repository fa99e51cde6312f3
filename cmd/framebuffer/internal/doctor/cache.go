package doctor

// cacheFits says whether frames stay in the CPUs' cache until the ring comes round. Either may be wanted.
// Half, because the memory that frames are copied from and to takes its part: bench/rings.md.
func cacheFits(m Machine, ring int64) Result {
	switch {
	case ring == 0:
		return good("no ring is to be made here")
	case m.L3 == 0:
		return good("its size is not known here")
	case ring <= int64(m.L3)/2:
		return good("%s fits half the L3 of %s: frames in place take about half the time where their processes share it, but readers must keep up with the few that fit",
			ringOf(ring), size(int64(m.L3)))
	}
	return good("%s is more than half the L3 of %s: frames come from memory, and readers may be late; a ring that fits is faster in place, for readers that keep up (framebuffer bench)",
		ringOf(ring), size(int64(m.L3)))
}
