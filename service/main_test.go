package service_test

import (
	"testing"

	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{
		"serve": roleServe,
		"find":  roleFind,
		"squat": roleSquat,
		"mute":  roleMute,
		"seek":  roleSeek,
		"owner": natstest.RoleOwner,
		"asker": roleAsker,

		"nats": natstest.RoleNATS,
	})
}
