package main

import "testing"

// Every mutant applies to the present code. make mutants would take long to find that one does not.
func TestMutantsApply(t *testing.T) {
	for _, m := range mutants() {
		if _, err := m.text("../.."); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}
