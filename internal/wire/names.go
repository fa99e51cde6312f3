package wire

import "regexp"

var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)
	idForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// ValidName reports whether a text can be the name of a host or of a server: 1 to 64 letters, digits,
// dots and hyphens.
func ValidName(name string) bool { return nameForm.MatchString(name) }

// ValidID reports whether a text can be the ID of an instance, and so a token of a subject.
func ValidID(id string) bool { return idForm.MatchString(id) }
