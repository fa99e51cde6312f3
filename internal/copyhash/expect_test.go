package copyhash_test

import _ "github.com/core-framebuffer/framebuffer/internal/copyhash/expect"
