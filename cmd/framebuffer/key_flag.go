package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// keyText is a key in a flag: the key itself, which other users see in the list of processes, or
// @FILE, or @- for standard input. It may be read once.
type keyText string

// keyFlag is --key of the commands that monitor a ring. They also take the key as an argument, its
// form in earlier releases.
type keyFlag struct {
	Key      keyText `group:"server" env:"FRAMEBUFFER_KEY" help:"Use the ring of this key and look for no server. @FILE reads it from a file, @- from standard input." placeholder:"KEY"`
	Argument keyText `arg:"" name:"key" optional:"" hidden:"" help:"Deprecated: --key."`
}

// text returns the key that was given in either form.
func (k keyFlag) text() keyText { return cmp.Or(k.Argument, k.Key) }

// given reports whether the flag was given.
func (k keyText) given() bool { return k != "" }

// stdin reports whether the key is read from standard input.
func (k keyText) stdin() bool { return k == "@-" || k == "-" }

// notBesideData is wrong usage if the key is read from standard input, for commands that read data
// there.
func (k keyText) notBesideData() error {
	if k.stdin() {
		return fmt.Errorf("%w: the key and the data cannot both come on standard input: give the key as @FILE, or by --key-file", errUsage)
	}
	return nil
}

// read returns the key.
func (k keyText) read(e *env) (string, error) {
	path, isFile := strings.CutPrefix(string(k), "@")
	switch {
	case k.stdin():
		return keyIn(newInput(e.ctx, e.in.File), "standard input")
	case isFile:
		return keyOf(e.ctx, path, keyPatience)
	}
	return string(k), nil
}

// keyOf reads the key in a file. If that is a pipe, keyOf waits up to patience, or until ctx ends,
// for another process to write the key; it does not wait for a process to open the pipe.
func keyOf(ctx context.Context, path string, patience time.Duration) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: key file %s does not exist: %w", errUsage, path, err)
	}
	if err != nil {
		return "", noKeyFile(path, err)
	}
	defer f.Close()
	_ = f.SetReadDeadline(time.Now().Add(patience)) // regular files have no deadline, and need none
	defer context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })()
	key, err := keyIn(f, "key file "+path)
	if err != nil && ctx.Err() != nil {
		return "", errSignal
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", fmt.Errorf("%w: key file %s: no process wrote to this pipe for %v", errUsage, path, patience)
	}
	if err != nil && !errors.Is(err, errUsage) {
		err = noKeyFile(path, err)
	}
	return key, err
}

// maxKeyFile is the size limit of a file with a key.
const maxKeyFile = 4 << 10

var keyForm = regexp.MustCompile(`^fb[0-9]+_[!-~]+$`)

// keyIn reads a key. Its errors do not repeat what it read: that may be another secret.
func keyIn(r io.Reader, where string) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxKeyFile+1))
	text := strings.TrimSpace(string(b))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", where, err)
	case len(b) > maxKeyFile:
		return "", fmt.Errorf("%w: %s has more than %d bytes, and a key is a line of at most 512: name a file that serve --key-file wrote", errUsage, where, maxKeyFile)
	case text == "":
		return "", fmt.Errorf("%w: %s is empty: framebuffer key prints a key", errUsage, where)
	case !keyForm.MatchString(text):
		return "", fmt.Errorf("%w: the content of %s is not a key, which is one line that begins with fb and a number", errUsage, where)
	}
	return text, nil
}
