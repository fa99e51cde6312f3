package record_test

import (
	"testing"

	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{"nats": natstest.RoleNATS, "recorder": roleRecorder})
}
