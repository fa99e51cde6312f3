package framebuffer_test

import (
	"testing"

	_ "github.com/core-framebuffer/framebuffer/internal/copyhash/expect"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) { testproc.Main(m, nil) }
