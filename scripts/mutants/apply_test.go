package main

import "testing"

// Every mutant has its place in the code that there is: make mutants takes long to say that it has not.
func TestMutantsApply(t *testing.T) {
	for _, m := range mutants() {
		if _, err := m.text("../.."); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}
