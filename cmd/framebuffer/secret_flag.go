package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// secret is the value of a flag that gives a right: a token, or a URL with a password.
// Every user of this host sees the arguments of a command that runs, so it can stand in a file, which
// is named as @FILE, or in the environment.
type secret string

// maxSecret bounds what is read of a file that is given as one.
const maxSecret = 16 << 10

// UnmarshalText takes the value, or that in the file of @FILE. No error has the value in it.
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
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // no pipe is waited for
	if err != nil {
		return "", fmt.Errorf("@FILE: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	value := strings.TrimSpace(string(b))
	switch {
	case errors.Is(err, syscall.EAGAIN), err == nil && value == "":
		return "", fmt.Errorf("@FILE: %s is empty: it has to have the value in one line", path)
	case err != nil:
		return "", fmt.Errorf("@FILE: %w", err)
	case len(b) > maxSecret || strings.ContainsAny(value, "\r\n\x00"):
		return "", fmt.Errorf("@FILE: %s has more than one line, or more than %d bytes: it has to have the value in one line", path, maxSecret)
	}
	return value, nil
}
