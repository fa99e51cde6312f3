// Package busguard keeps a process alive when somebody else shortens a file that it has
// mapped. The kernel answers a touch beyond the new end with SIGBUS, which ends a Go program
// or, in a goroutine that has asked for it, becomes a panic: neither helps those who work in
// place, in callbacks, in assembly, or on goroutines of their own.
//
// So the signal is caught below the Go runtime, as systemd's journal and libwayland do with
// files that others can shorten: the handler puts zeroes of the process's own where the file
// was mapped, notes it, and returns, and the instruction that faulted goes on. Everything else
// goes to the handler that was there before, the runtime's. It costs nothing until it happens.
//
// # Words shared with the handler, and their order
//
// The handler interrupts any goroutine on any thread, with all signals blocked and on a signal
// stack. It takes no lock, calls nothing and allocates nothing.
//
//	previous  written once, before the handler is installed; read by the handler.
//	used      written under mu, only up; read by the handler.
//	entry     written under mu. version is odd while the rest changes, and another number
//	          afterwards; the handler loads it before and after the rest, and passes an entry
//	          over that is odd or has changed.
//	hit       set by the handler, before the first zero can be seen.
//
// An entry that the handler passes over is not the one it looks for: a Watch that a thread can
// still fault in does not change, since it ends only when nobody uses the memory any more.
// For the same reason nobody else can have been given the addresses that the handler maps over.
// Two threads may fault in the same memory; the second puts zeroes over zeroes.
package busguard
