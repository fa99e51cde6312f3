//go:build !failpoints

package failpoint

// Hit does nothing, and its calls compile to nothing.
func Hit(Point) {}
