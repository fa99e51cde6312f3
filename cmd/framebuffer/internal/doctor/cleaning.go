package doctor

import (
	"io/fs"
	"path"
	"strings"
)

// cleaning checks whether systemd-tmpfiles removes old files in the directories of memfd's socket
// and of file's files.
func cleaning(m Machine, _ int64) Result {
	if _, err := fs.Stat(m.Root, "run/systemd/system"); missing(err) {
		return good("no systemd runs here that would remove old sockets and files")
	}
	rules, err := m.tmpfiles()
	if err != nil {
		return unknown(err)
	}
	if r, found := rules.of(m.FileDir); found {
		return bad(Warn, "echo 'x "+path.Join(m.FileDir, "framebuffer-*")+"' >/etc/tmpfiles.d/framebuffer.conf",
			"systemd-tmpfiles removes what is older than %s in %s (/%s): servers lock their files against that, and systemd before 250 does not look; files that are removed cannot be brought back", r.age, r.path, r.file)
	}
	if r, found := rules.of(m.SocketDir); found {
		return good("systemd-tmpfiles removes what is older than %s in %s (/%s): servers lock %s against that, and make a socket again that was removed", r.age, r.path, r.file, m.SocketDir)
	}
	return good("systemd-tmpfiles removes nothing old in %s and %s", m.SocketDir, m.FileDir)
}

// aged is a line of tmpfiles.d(5) that has an age, or that excludes its path from cleaning.
type aged struct {
	path, age, file string
	excludes        bool
}

// agedRules are the rules for cleaning, of all files of tmpfiles.d.
type agedRules []aged

// tmpfiles returns the lines of tmpfiles.d that are about cleaning.
func (m Machine) tmpfiles() (all agedRules, err error) {
	files, err := m.dropIns(".conf", "etc/tmpfiles.d", "run/tmpfiles.d", "usr/local/lib/tmpfiles.d", "usr/lib/tmpfiles.d")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := m.text(file)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			if len(f) < 2 || strings.HasPrefix(f[0], "#") {
				continue
			}
			kind, at := f[0][:1], strings.Trim(f[1], `"`)
			const ageField, ageing = 5, "dDevqQC"
			switch {
			case kind == "x":
				all = append(all, aged{path: at, file: file, excludes: true})
			case len(f) > ageField && f[ageField] != "-" && strings.Contains(ageing, kind):
				all = append(all, aged{path: at, age: f[ageField], file: file})
			}
		}
	}
	return all, nil
}

// of returns the rule that applies to files in a directory, which is the one with the longest path.
// It reports false if no rule applies, or if the rule excludes the directory.
func (all agedRules) of(dir string) (rule aged, found bool) {
	for _, r := range all {
		for above := path.Clean(dir); ; above = path.Dir(above) {
			if ok, err := path.Match(path.Clean(r.path), above); err == nil && ok && len(r.path) >= len(rule.path) {
				rule, found = r, true
			}
			if above == "/" || above == "." {
				break
			}
		}
	}
	return rule, found && !rule.excludes
}
