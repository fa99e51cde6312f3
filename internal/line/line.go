// Package line has what Go lacks for words and cache lines that processes share: a store
// that orders nothing, and asking for a line before it is needed.
package line
