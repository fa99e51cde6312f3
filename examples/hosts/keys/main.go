// Command keys makes what the example files beside it name, so that they can be tried as they are: an authority
// with a certificate for the hub, and an operator, an account and a user as JWTs.
//
//	cd examples/hosts && go run ./keys hub
//
// It takes the names and addresses by which the hub is dialled; 127.0.0.1 and localhost come with them. What it
// wrote is for trying: in earnest certificates are your authority's, and JWTs are made with
// nsc (https://github.com/nats-io/nsc), which keeps their keys.
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

// life is for how long certificates and JWTs are good.
const life = 90 * 24 * time.Hour

func main() {
	dir := flag.String("o", ".", "directory to write to")
	flag.Parse()
	if err := run(*dir, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "keys:", err)
		os.Exit(1)
	}
}

// run writes all files, none over one that is there.
func run(dir string, names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("name the hub as others dial it: go run ./keys hub")
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

// file is one to be written.
type file struct {
	name, what string
	text       []byte
}

func (f file) write(dir string) error {
	path := filepath.Join(dir, f.name)
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: nothing is written over: remove what an earlier run made, or name another directory with -o", err)
	}
	if err != nil {
		return err
	}
	if _, err := to.Write(f.text); err != nil {
		_ = to.Close() // the first error is the one to tell
		return err
	}
	fmt.Printf("%-16s %s\n", path, f.what)
	return to.Close()
}
