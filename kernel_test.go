package framebuffer_test

// The processes that tests start inherit the expectation.
import _ "github.com/core-framebuffer/framebuffer/internal/copyhash/expect"
