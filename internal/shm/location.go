package shm

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// DirVariable is the environment variable that names the directory of sockets and files: for servers
// without that option, and for clients that see the server's directory at another path.
const DirVariable = "FRAMEBUFFER_DIR"

// locationOf encodes a path for keys.
func locationOf(path string) string { return hex.EncodeToString([]byte(path)) }

// pathOf decodes the path in a location, as its server sees it, or returns [fberr.BadKey].
func pathOf(backend, location string, most int, ours func(name string) bool) (string, error) {
	b, err := hex.DecodeString(location)
	path := string(b)
	if err != nil || !filepath.IsAbs(path) || filepath.Clean(path) != path || len(path) > most ||
		!ours(filepath.Base(path)) || locationOf(path) != location {
		return "", fmt.Errorf("%w: %s location %.60q is not a valid path", fberr.BadKey, backend, location)
	}
	return path, nil
}

// localPath returns the path of a server's file in this process. If path does not exist here and the
// environment names a directory, that is the file of the same name there: the directory may be mounted at
// another path.
func localPath(path, suffix string) string {
	if dir := os.Getenv(DirVariable); dir != "" {
		if _, err := os.Lstat(path + suffix); errors.Is(err, fs.ErrNotExist) {
			return filepath.Join(dir, filepath.Base(path))
		}
	}
	return path
}
