package doctor

import "fmt"

// kernel looks for what the library uses of newer kernels.
func kernel(m Machine, _ int64) Result {
	release, err := m.text("proc/sys/kernel/osrelease")
	if err != nil {
		return unknown(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return unknown(fmt.Errorf("release %q: %w", release, err))
	}
	// MADV_POPULATE_WRITE, without which each page is a fault.
	if major < 5 || major == 5 && minor < 14 {
		return bad(Warn, "Linux 5.14 or newer brings a ring's pages in at once",
			"Linux %s: starting, and each process's first lap, take some times as long", release)
	}
	return good("Linux %s", release)
}
