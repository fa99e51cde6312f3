package demo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A folder of a user may have anything in it under the name of a picture.
func TestFolderOfAnything(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if _, err := folderPictures(dir, 1); err == nil || !strings.Contains(err.Error(), "x.png") {
		t.Errorf("an empty folder: %v", err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Symlink(at("nothing.png"), at("dangling.png")))
	must(os.Symlink("loop.png", at("loop.png")))
	must(os.Symlink("/dev/zero", at("zero.jpg")))
	must(unix.Mkfifo(at("pipe.gif"), 0o600))
	must(os.Mkdir(at("folder.jpg"), 0o700))
	must(os.WriteFile(at("empty.png"), nil, 0o600))
	must(os.WriteFile(at("text.jpeg"), []byte("text"), 0o600))
	must(os.WriteFile(at("secret.png"), []byte("x"), 0))
	must(os.WriteFile(at("huge.png"), nil, 0o600))
	must(os.Truncate(at("huge.png"), 1<<40))
	socket, err := net.Listen("unix", at("s.png"))
	must(err)
	defer socket.Close()
	if _, err := folderPictures(dir, 1); err == nil || !strings.Contains(err.Error(), "can be decoded") {
		t.Errorf("a folder without one picture: %v", err)
	}
	var b bytes.Buffer
	must(png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 8, 8))))
	must(os.WriteFile(at("whole.png"), b.Bytes(), 0o600))
	// A bomb: the same, and it says that it has 16384x8192 pixels. Behind the 8 bytes of the signature
	// and 4 of a length come the chunk's name, width and height, and 9 bytes later its CRC.
	bomb := b.Bytes()
	binary.BigEndian.PutUint32(bomb[16:], 1<<14)
	binary.BigEndian.PutUint32(bomb[20:], 1<<13)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	if c, err := png.DecodeConfig(bytes.NewReader(bomb)); err != nil || c.Width*c.Height <= maxPixels {
		t.Fatalf("%+v, %v", c, err)
	}
	must(os.WriteFile(at("a bomb.png"), bomb, 0o600))
	if _, err := decode(at("a bomb.png")); err == nil || !strings.Contains(err.Error(), "16384x8192 pixels are more") {
		t.Errorf("16384x8192 pixels: %v", err)
	}
	must(os.Symlink("whole.png", at("z link.png")))
	all, err := folderPictures(dir, 1)
	if err != nil || len(all) != 2 {
		t.Errorf("%d pictures, %v", len(all), err)
	}
}
