// Package containers has only tests: the static command in real containers, made by podman
// and runc without any registry or network. `make containers` runs them, as root.
package containers
