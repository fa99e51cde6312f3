// Package faults has nothing but tests: what is left when a process dies or stops at a step
// of a protocol, when many do for a long time, and when one writes nonsense everywhere.
// `make faults` runs them, `make soak` for longer.
package faults
