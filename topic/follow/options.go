package follow

// Options are for [New]. The zero value, or nil, means the defaults. Callbacks run on the chain's
// goroutines and must not call the chain.
type Options struct {
	// Stay makes a chain of one ring: its end ends all publishers and subscriptions, and the chain
	// stays attached until Close.
	Stay bool

	// Find searches for the next ring when the present one has ended, until it succeeds or its error
	// is [Final]. Default: none; the program calls [Chain.Replace].
	Find Find

	// Ended is called when the present ring has ended, once for each ring.
	Ended func(err error)

	// Found is called when Find has found the next ring.
	Found func()
}
