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

// trusting is whose frames of other hosts are taken.
type trusting struct {
	Trust []string `sep:"none" env:"FRAMEBUFFER_TRUST" help:"Take from other hosts only what the server of this public key has signed, as serve --sign-key prints it; @FILE reads keys from a file, one a line. May be given several times." placeholder:"NKEY"`
}

// maxTrust bounds what is read of a file with keys.
const maxTrust = 1 << 20

// keys are the public keys; nil means that no signature is asked for. A text or a file without a
// key is an error: a list that lost its keys does not let everything through.
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
	if _, err := sign.NewTrust(all); err != nil { // also where no signature will be asked for
		return nil, fmt.Errorf("--trust: %w", err)
	}
	return all, nil
}

// keysIn reads keys; what stands behind a # is a remark.
func keysIn(path string) (all []string, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe is not waited for
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
