package examples

import (
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/xproc"
)

func TestMain(m *testing.M) { xproc.Main(m, nil) }
