// Package sign signs what a server sends to other hosts, and verifies such signatures. A key is an
// Ed25519 key in the form that NATS uses, an NKey of the kind "server": the seed begins with SN, the
// public key with N. See docs/decisions/0009-signed-frames.md.
package sign

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/nats-io/nkeys"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// maxFile is how many bytes of a key file are read.
const maxFile = 4 << 10

// Key is a private key. Its methods may be called concurrently.
type Key struct {
	private ed25519.PrivateKey
	public  string
}

// Public returns the public key in the form that [NewTrust] takes.
func (k *Key) Public() string { return k.public }

// Signature returns the public key and the signature over a statement.
func (k *Key) Signature(statement []byte) string {
	return k.public + " " + base64.RawStdEncoding.EncodeToString(ed25519.Sign(k.private, statement))
}

// parse returns the key of a seed.
func parse(seed []byte) (*Key, error) {
	kind, raw, err := nkeys.DecodeSeed(seed)
	if err != nil {
		return nil, err
	}
	if kind != nkeys.PrefixByteServer {
		return nil, fmt.Errorf("it is the seed of a key of the kind %v, and a server signs with one of its own kind, SN…", kind)
	}
	private := ed25519.NewKeyFromSeed(raw)
	public, err := nkeys.Encode(nkeys.PrefixByteServer, private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return &Key{private: private, public: string(public)}, nil
}

// Open reads the key in a file, and creates the file if it does not exist. It refuses a file that
// users other than this one and root can read.
func Open(path string) (*Key, error) {
	k, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("signing key %s: make it: %w", path, err)
	}
	return read(path)
}

func read(path string) (*Key, error) {
	// O_NONBLOCK: if the path is a pipe, open does not wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	defer f.Close()
	if err := private(f); err != nil {
		return nil, fmt.Errorf("signing key %s: %w", path, err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	k, err := parse(bytes.TrimSpace(text)) // its errors do not contain the seed
	if err != nil {
		return nil, fmt.Errorf("%w: signing key %s: the file is to hold the seed of an NKey of the kind server, and nothing else: give a path where there is no file, and the server makes one: %w", fberr.BadKey, path, err)
	}
	return k, nil
}

// private returns an error if other users can read the file or could have written it.
func private(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%w: it is not a regular file", fberr.BadKey)
	}
	if mode := st.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%w: its mode is %#o, which gives other users access: chmod 600 it, and make a new key if others may have read this one", fberr.Permission, mode)
	}
	if of, ok := st.Sys().(*syscall.Stat_t); ok && of.Uid != 0 && int(of.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: it belongs to uid %d, and this server runs as uid %d: have it belong to that user", fberr.Permission, of.Uid, os.Geteuid())
	}
	return nil
}

// create creates a file with a new key, unless the file exists by now. The file appears under its name
// with its whole content.
func create(path string) (err error) {
	pair, err := nkeys.CreateServer()
	if err != nil {
		return err
	}
	seed, err := pair.Seed()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".framebuffer-key-*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(append(seed, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		err = nil // another server created it first: both use that key
	}
	return err
}
