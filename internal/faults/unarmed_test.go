//go:build !failpoints

package faults

import "errors"

func arm(string) error { return errors.New("this test needs the build tag failpoints: make faults") }
