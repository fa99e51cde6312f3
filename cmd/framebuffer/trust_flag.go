package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/core-framebuffer/framebuffer/internal/sign"
)

// trusting is the flag that says which servers of other hosts are trusted.
type trusting struct {
	Trust []string `group:"hosts" sep:"none" env:"FRAMEBUFFER_TRUST" help:"Accept from other hosts only what the server with this public key has signed; serve --sign-key prints the key. @FILE reads keys from a file, one on a line. Repeatable." placeholder:"NKEY"`
}

// maxTrust is the size limit of a file with keys.
const maxTrust = 1 << 20

// keys are the public keys of --trust; nil means that no signature is required. A value or file
// without a key is an error: an empty list must not accept everything.
func (t trusting) keys() (all []string, err error) {
	for _, k := range t.Trust {
		path, file := strings.CutPrefix(k, "@")
		if !file {
			all = append(all, strings.Split(k, ",")...)
			continue
		}
		those, err := keysIn(path)
		if err != nil {
			return nil, fmt.Errorf("%w: --trust @%s: %w: give a file with public keys that begin with N, one a line", errUsage, path, err)
		}
		all = append(all, those...)
	}
	if _, err := sign.NewTrust(all); err != nil { // also if the command will check no signature
		return nil, fmt.Errorf("--trust: %w", err)
	}
	return all, nil
}

// keysIn reads the keys in a file, one on a line. A remark begins with #.
func keysIn(path string) (all []string, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // opening a pipe must not wait
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxTrust+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxTrust {
		return nil, fmt.Errorf("it has more than %d bytes", maxTrust)
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("it has no key")
	}
	return all, nil
}
