// Package system has the tests of the library that need more than one process, user or namespace, or
// memory that a hostile peer writes to.
package system
