//go:build !cgo

package main

var libc func(shared, mine []byte, size, step, count int, in, use bool)
