//go:build !amd64 || purego

package bench

import "bytes"

// canStream reports whether this build has a copy with streaming stores.
const canStream = false

// streamCopy is not called where canStream is false.
func streamCopy(dst, src []byte) { copy(dst, src) }

// readOnly loads p, which has no byte of 0xa5.
func readOnly(p []byte) { bytes.IndexByte(p, 0xa5) }
