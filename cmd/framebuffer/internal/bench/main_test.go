package bench

import (
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) { testproc.Main(m, nil) }
