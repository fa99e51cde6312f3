// Command gen writes the amd64 assembly of package copyhash and its Go declarations. Run it
// with `go generate` in the package's directory.
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, v := range []vectors{avx2{}, avx512{}} {
		for _, s := range []shape{
			{"sum", none, neither, []string{"hashes them."}},
			{"sumFetch", none, source, []string{"hashes them. It asks for the source ahead of its use."}},
			{"copy", ordinary, neither, []string{"hashes them and copies them to dst."}},
			{"fetch", ordinary, source, []string{"hashes them and copies them to dst. It asks for the source ahead of its use."}},
			{"lead", ordinary, target, []string{"hashes them and copies them to dst. It asks for dst ahead of its use."}},
			{"stream", nonTemporal, source, []string{"hashes them and copies them to dst, a multiple of 64, past the caches.", "It asks for the source ahead of its use. Call storeFence after the last."}},
		} {
			pass(v, s)
		}
	}
	fence()
	Generate()
}

// fence makes the stores of a stream pass visible before every later store. The other
// passes need nothing of the kind on this architecture.
func fence() {
	TEXT("storeFence", NOSPLIT, "func()")
	Doc("storeFence orders the stores of a stream pass before all later ones.")
	SFENCE()
	RET()
}
