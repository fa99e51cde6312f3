// Command keys creates the files that the example configurations name: a CA with a certificate for
// the hub, and JWTs of an operator, an account and a user.
//
//	cd examples/hosts && go run ./keys hub
//
// The arguments are the names and addresses at which the hub is dialled; localhost and 127.0.0.1 are
// added. The files are for testing. In production use your own CA for certificates and nsc
// (https://github.com/nats-io/nsc) for JWTs and credentials.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// life is how long certificates and JWTs are valid.
const life = 90 * 24 * time.Hour

func main() {
	dir := flag.String("o", ".", "directory to write to")
	flag.Parse()
	if err := run(*dir, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "keys:", err)
		os.Exit(1)
	}
}

// run writes all files. It overwrites none.
func run(dir string, names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("give the names at which the hub is dialled: go run ./keys hub")
	}
	files, err := certificates(names)
	if err != nil {
		return err
	}
	accounts, err := accounts()
	if err != nil {
		return err
	}
	for _, f := range append(files, accounts...) {
		if err := f.write(dir); err != nil {
			return err
		}
	}
	return nil
}

// file is a file to write. what describes it to the user.
type file struct {
	name, what string
	text       []byte
}

// write writes the file into dir.
func (f file) write(dir string) error {
	path := filepath.Join(dir, f.name)
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: files are not overwritten: remove those of an earlier run, or name another directory with -o", err)
	}
	if err != nil {
		return err
	}
	if _, err := to.Write(f.text); err != nil {
		_ = to.Close() // report the first error
		return err
	}
	fmt.Printf("%-16s %s\n", path, f.what)
	return to.Close()
}
