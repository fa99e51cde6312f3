//go:build !amd64 && !arm64

package busguard

// Available reports whether this architecture has a handler.
const Available = false

// Watch watches nothing here.
type Watch struct{}

// New watches nothing here.
func New(_, _ []byte) (*Watch, error) { return &Watch{}, nil }

// Hit is false.
func (*Watch) Hit() bool { return false }

// End does nothing.
func (*Watch) End() {}
