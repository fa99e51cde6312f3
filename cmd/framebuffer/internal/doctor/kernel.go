package doctor

import "fmt"

// deaths checks whether the kernel notices the death of processes that are started here.
func deaths(m Machine, _ int64) Result {
	if err := m.Deaths(); err != nil {
		return bad(Warn, "allow set_robust_list (podman run --security-opt seccomp=…); emulators such as qemu-user and gVisor do not have it",
			"the death of processes that are started here is not noticed: %v", err)
	}
	return good("the death of processes that are started here is noticed, however they die")
}

// kernel checks for the features of newer kernels that the library uses.
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
