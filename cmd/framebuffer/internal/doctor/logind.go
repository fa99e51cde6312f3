package doctor

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// removeIPC is about what systemd does when a user's last session ends: with RemoveIPC it
// removes the user's System V segments that no process is attached to, and the files in /dev/shm.
func removeIPC(m Machine, _ int64) Result {
	if _, err := fs.Stat(m.Root, "run/systemd/system"); missing(err) {
		return good("no systemd runs here that would remove anything at logout")
	}
	set, err := m.logind("RemoveIPC")
	if err != nil {
		return unknown(err)
	}
	switch strings.ToLower(set) {
	case "":
		set = "yes, the default"
	case "no", "false", "0", "off", "n", "f":
		return good("off (logind.conf)")
	}
	return good("%s (logind.conf); it matters not: segments and memfds are without a name from the start; only servers with files in /dev/shm would lose these at the logout of their user", set)
}

// logind returns what systemd-logind's configuration sets, and nothing where it does not. The
// last drop-in by name wins, wherever it lies; one in an earlier directory hides others of its
// name (logind.conf(5)).
func (m Machine) logind(setting string) (value string, err error) {
	dirs := []string{"etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"}
	for _, dir := range dirs { // the first main file counts, and no other
		text, err := m.text(path.Join(dir, "logind.conf"))
		if missing(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		value = lastOf(text, setting, value)
		break
	}
	var below []string
	for _, dir := range dirs {
		below = append(below, path.Join(dir, "logind.conf.d"))
	}
	files, err := m.dropIns(".conf", below...)
	if err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := m.text(file)
		if err != nil {
			return "", err
		}
		value = lastOf(text, setting, value)
	}
	return value, nil
}

// dropIns are the files of these directories that count, in the order of their names: one in an
// earlier directory hides others of its name.
func (m Machine) dropIns(suffix string, dirs ...string) (files []string, err error) {
	where := map[string]string{}
	for _, dir := range dirs {
		all, err := fs.ReadDir(m.Root, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, file := range all {
			if _, hidden := where[file.Name()]; !hidden && strings.HasSuffix(file.Name(), suffix) {
				where[file.Name()] = path.Join(dir, file.Name())
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(where)) {
		files = append(files, where[name])
	}
	return files, nil
}

// lastOf is the last value that a file gives to a setting, or what there was before.
func lastOf(text, setting, before string) string {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, "=")
		if ok && strings.TrimSpace(name) == setting {
			before = strings.TrimSpace(value)
		}
	}
	return before
}
