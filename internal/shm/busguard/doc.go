// Package busguard keeps a process alive when another process truncates a file that it has
// mapped. The kernel answers a touch beyond the new end with SIGBUS, which ends a Go program
// or, in a goroutine that has asked for it, becomes a panic: neither is acceptable for code that
// works in place, in callbacks, in assembly, or on goroutines of the caller.
//
// So the signal is caught below the Go runtime, as systemd's journal and libwayland do with
// files that others can truncate: the handler puts zeroes of the process's own where the file
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
// An entry that the handler passes over is not the one it needs: a Watch in whose memory a thread can
// still fault does not change, since it ends only when no goroutine uses the memory any more. For the
// same reason no other mapping can have got the addresses that the handler maps over.
// Two threads may fault in the same memory; the second puts zeroes over zeroes.
package busguard
