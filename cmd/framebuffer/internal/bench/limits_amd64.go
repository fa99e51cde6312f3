//go:build amd64 && !purego

package bench

// canStream reports whether this build has a copy with streaming stores. Each amd64 CPU does (SSE2).
const canStream = true

// streamLines copies lines of 64 bytes with streaming stores. dst is a multiple of 16.
//
//go:noescape
func streamLines(dst, src *byte, lines int)

// readLines loads lines of 64 bytes.
//
//go:noescape
func readLines(src *byte, lines int)

// streamCopy copies src, whose length is a multiple of 64 above 0, to dst, past the caches.
func streamCopy(dst, src []byte) {
	_ = dst[len(src)-1]
	streamLines(&dst[0], &src[0], len(src)/line)
}

// readOnly loads p, whose length is a multiple of 64 above 0.
func readOnly(p []byte) { readLines(&p[0], len(p)/line) }
