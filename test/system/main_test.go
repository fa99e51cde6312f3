package system_test

import (
	"testing"

	_ "github.com/core-framebuffer/framebuffer/internal/copyhash/expect" // the processes that tests start inherit the expectation
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{
		"attach":       roleAttach,
		"attach-often": roleAttachOften,
		"serve":        roleServe,
		"put":          rolePut,
		"get":          roleGet,
		"scribe":       roleScribe,
		"hold":         roleHold,
		"toil":         roleToil,
		"puncher":      rolePuncher,
		"visit":        roleVisit,
		"keep":         roleKeep,
		"flood":        roleFlood,
		"pose":         rolePose,
		"doubt":        roleDoubt,
		"mortal":       roleMortal,
		"crash":        roleCrash,
		"words":        roleWords,
		"frugal":       roleFrugal,
	})
}
