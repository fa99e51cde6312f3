//go:build failpoints

package faults

import (
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{"peer": rolePeer, "work": roleWork, "vandal": roleVandal, "fork": roleFork, "reuse": roleReuse, "few": roleFew})
}

// backends are those that every fault is tried with.
func backends() []string { return []string{"sysv", "memfd", "file"} }

// depth is what topics remember here: little, so that queues go round.
const depth = 8
