package doctor

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// removeIPC checks the setting RemoveIPC of systemd-logind. With it, when a user's last session
// ends, systemd removes the user's files in /dev/shm and System V segments without attached
// processes.
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

// logind returns the value of a setting in systemd-logind's configuration, or "" if it is not set.
// The last drop-in by name wins, in whichever directory it is; a file in an earlier directory hides
// those of the same name in later ones (logind.conf(5)).
func (m Machine) logind(setting string) (value string, err error) {
	dirs := []string{"etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"}
	for _, dir := range dirs { // only the first main file counts
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

// dropIns returns the effective files of these directories, in the order of their names: a file in
// an earlier directory hides those of the same name in later ones.
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

// lastOf returns the last value that a file gives to a setting, or before if there is none.
func lastOf(text, setting, before string) string {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, "=")
		if ok && strings.TrimSpace(name) == setting {
			before = strings.TrimSpace(value)
		}
	}
	return before
}
