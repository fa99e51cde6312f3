//go:build failpoints

package faults

import "github.com/core-framebuffer/framebuffer/internal/failpoint"

func arm(traps string) error { return failpoint.Arm(traps) }
