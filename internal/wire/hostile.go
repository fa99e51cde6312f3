package wire

import "fmt"

// Another host may send anything. These bound what is kept of an answer.

const (
	// MaxText is how many bytes are kept of a text that is shown to users.
	MaxText = 512

	// minItem is how many bytes of JSON an item of a list takes on average, at least. Fewer mean that
	// most items are empty, which would take far more memory than the answer has bytes.
	minItem = 8
)

// Clip returns the first bytes of a text, 512 at most.
func Clip(text string) string { return text[:min(len(text), MaxText)] }

// CheckDense returns an error for JSON whose lists would take far more memory than the text has bytes.
func CheckDense(text []byte) error {
	if items := commas(text); items*minItem > len(text) {
		return fmt.Errorf("framebuffer: an answer of %d bytes that lists %d things is no server's", len(text), items)
	}
	return nil
}

// commas counts the commas outside of strings, which separate the items of lists and objects.
func commas(text []byte) (n int) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			n++
		}
	}
	return n
}
