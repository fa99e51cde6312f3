package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The table and the chart in the repository are those of the JSON beside them.
func TestReportIsOfTheseResults(t *testing.T) {
	text, err := os.ReadFile("handover.json")
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if os.Getenv("UPDATE") != "" {
		dir = "."
	}
	for name, write := range map[string]func(string, *results) error{"handover.md": writeMarkdown, "handover.svg": writeChart} {
		file := filepath.Join(dir, name)
		if err := write(file, &r); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s differs: run UPDATE=1 go test .", name)
		}
	}
	table, err := os.ReadFile("handover.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(table), "| µs a frame")
	rows := 0
	for line := range strings.Lines(string(readme)) {
		if strings.HasPrefix(line, "|") {
			rows++
			if !strings.Contains(first, line) {
				t.Errorf("the README's figures are not those of handover.md: %s", line)
			}
		}
	}
	if rows < 4 || !strings.Contains(string(readme), "\n| core-framebuffer |") {
		t.Errorf("the README has %d rows of handover.md, and should have this library's and a few others", rows)
	}
}
