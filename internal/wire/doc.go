// Package wire names what servers and clients exchange over NATS: subjects, headers, error codes and
// the form of names. They are a protocol, and never change; the documentation of package service
// describes it.
package wire
