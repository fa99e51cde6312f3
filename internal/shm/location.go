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

// DirVariable names the directory of sockets and files, for servers that are not told another
// and for clients to which the server's is mounted elsewhere.
const DirVariable = "FRAMEBUFFER_DIR"

// locationOf is a path as it stands in keys.
func locationOf(path string) string { return hex.EncodeToString([]byte(path)) }

// pathOf returns the path that a location names, as its server sees it, or fberr.BadKey.
func pathOf(backend, location string, most int, ours func(name string) bool) (string, error) {
	b, err := hex.DecodeString(location)
	path := string(b)
	if err != nil || !filepath.IsAbs(path) || filepath.Clean(path) != path || len(path) > most ||
		!ours(filepath.Base(path)) || locationOf(path) != location {
		return "", fmt.Errorf("%w: %s location %.60q is no path as servers have", fberr.BadKey, backend, location)
	}
	return path, nil
}

// localPath returns the path here. Where there is no such file, but the environment names a
// directory, it is that of the same name there: a mount may be elsewhere.
func localPath(path, suffix string) string {
	if dir := os.Getenv(DirVariable); dir != "" {
		if _, err := os.Lstat(path + suffix); errors.Is(err, fs.ErrNotExist) {
			return filepath.Join(dir, filepath.Base(path))
		}
	}
	return path
}
