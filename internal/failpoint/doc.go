// Package failpoint makes a process die or stop at a named step of a protocol, for tests.
// Without the build tag failpoints a call is an empty function that the compiler inlines: it leaves no
// instruction, and no name of a point in the program (TestNothingIsLeft in test/faults).
package failpoint
