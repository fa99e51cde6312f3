package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
)

// File is what is known of one machine: MACHINE.json.
type File struct {
	Name     string              `json:"-"`
	Machine  Machine             `json:"machine"`
	Places   []probe.Placement   `json:"places,omitempty"` // where turns have no probes
	Sections map[string]*Section `json:"sections"`
}

// Section is what one command measured.
type Section struct {
	Program
	By      string    `json:"by"`
	When    time.Time `json:"when"`
	Runs    int       `json:"runs"`
	LeftOut []string  `json:"left_out,omitempty"` // what could not be measured, and why
	Rows    []*Row    `json:"rows"`
}

// Rows are those of all sections.
func (f *File) Rows() (all []*Row) {
	for _, name := range f.sections() {
		all = append(all, f.Sections[name].Rows...)
	}
	return all
}

// places are where the machine's cores were, as all its rows say together.
func (f *File) places() []probe.Placement {
	if len(f.Places) > 0 {
		return f.Places
	}
	return Places(f.Rows())
}

func (f *File) sections() (names []string) {
	for name := range f.Sections {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Merge adds a run to the section of its name: its turns to those of earlier runs of the same
// program. What another program measured is replaced.
func (f *File) Merge(name string, run *Section) {
	old := f.Sections[name]
	if f.Sections == nil {
		f.Sections = map[string]*Section{}
	}
	if old == nil || old.Program != run.Program {
		f.Sections[name] = run
		return
	}
	merged := *run
	merged.Runs += old.Runs
	merged.Rows = nil
	for _, r := range run.Rows {
		row := *r
		if at := slices.IndexFunc(old.Rows, r.same); at >= 0 {
			row.Turns = append(slices.Clone(old.Rows[at].Turns), r.Turns...)
			row.Lost = append(slices.Clone(old.Rows[at].Lost), r.Lost...)
		}
		merged.Rows = append(merged.Rows, &row)
	}
	for _, r := range old.Rows { // what only they had
		if !slices.ContainsFunc(run.Rows, r.same) {
			merged.Rows = append(merged.Rows, r)
		}
	}
	f.Sections[name] = &merged
}

func (r *Row) same(o *Row) bool {
	return r.Task == o.Task && r.Ring == o.Ring && r.Way == o.Way && r.Kind == o.Kind
}

// Load reads all machines' files in a folder, sorted by name.
func Load(dir string) (all []*File, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, err := read(name)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func read(name string) (*File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f := &File{Name: strings.TrimSuffix(filepath.Base(name), ".json")}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// Save writes the file, a row a line.
func (f *File) Save(dir string) error {
	text, err := f.text()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, f.Name+".json"), text, 0o644)
}

func (f *File) text() ([]byte, error) {
	shown := *f
	shown.Sections = map[string]*Section{}
	lines := map[string]string{}
	for name, s := range f.Sections {
		bare := *s
		bare.Rows = nil
		shown.Sections[name] = &bare
		var b strings.Builder
		for i, r := range s.Rows {
			line, err := json.Marshal(r)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "%s\n    %s", map[bool]string{true: ","}[i > 0], line)
		}
		lines[name] = "[" + b.String() + "\n   ]"
	}
	text, err := json.MarshalIndent(&shown, "", " ")
	if err != nil {
		return nil, err
	}
	out := string(text)
	for _, name := range f.sections() { // in the order of the sections
		out = strings.Replace(out, `"rows": null`, `"rows": `+lines[name], 1)
	}
	return []byte(out + "\n"), nil
}

// Note merges a run of this program on this machine into its file in a folder, and makes the
// folder's pages anew.
func Note(dir, section, by string, rows []*Row, leftOut []string) error {
	machine := Here()
	f, err := read(filepath.Join(dir, machine.Name()+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		f, err = &File{Name: machine.Name()}, nil
	}
	if err != nil {
		return err
	}
	f.Machine, f.Places = machine, nil
	f.Merge(section, &Section{Program: This(), By: by, When: time.Now().UTC().Truncate(time.Second), Runs: 1, LeftOut: leftOut, Rows: rows})
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := f.Save(dir); err != nil {
		return err
	}
	return WritePage(dir)
}

// WritePage makes a folder's page of its files.
func WritePage(dir string) error {
	all, err := Load(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "README.md"), []byte(Page(all)), 0o644)
}
