package service

import "regexp"

var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)
	idForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// validName reports whether a text can be the name of a host or of a server: 1 to 64 letters, digits,
// dots and hyphens.
func validName(name string) bool { return nameForm.MatchString(name) }

// validID reports whether a text can be the ID of an instance, and so a token of a subject.
func validID(id string) bool { return idForm.MatchString(id) }
