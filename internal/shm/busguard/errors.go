package busguard

import "errors"

// ErrFull is New's when as much is watched as can be.
var ErrFull = errors.New("busguard: too many segments of files are mapped at once")
