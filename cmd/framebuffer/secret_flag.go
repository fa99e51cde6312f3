package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// secret is a flag whose value must stay secret: a token, or a URL with a password. Every user of
// this host sees the arguments of running commands, so the value may be in a file, named as @FILE,
// or in the environment.
type secret string

// maxSecret is the size limit of a file with a secret.
const maxSecret = 16 << 10

// UnmarshalText takes the value, or reads it from @FILE. Its errors do not contain the value.
func (s *secret) UnmarshalText(text []byte) error {
	path, file := strings.CutPrefix(string(text), "@")
	if !file {
		*s = secret(text)
		return nil
	}
	value, err := secretIn(path)
	*s = secret(value)
	return err
}

// secretIn reads the one line of a file.
func secretIn(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // opening a pipe must not wait
	if err != nil {
		return "", fmt.Errorf("@FILE: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	value := strings.TrimSpace(string(b))
	switch {
	case errors.Is(err, syscall.EAGAIN), err == nil && value == "":
		return "", fmt.Errorf("@FILE: %s is empty: it must have the value in one line", path)
	case err != nil:
		return "", fmt.Errorf("@FILE: %w", err)
	case len(b) > maxSecret || strings.ContainsAny(value, "\r\n\x00"):
		return "", fmt.Errorf("@FILE: %s has more than one line, or more than %d bytes: it must have the value in one line", path, maxSecret)
	}
	return value, nil
}
