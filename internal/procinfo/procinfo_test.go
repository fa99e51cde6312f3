package procinfo

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestStartTime(t *testing.T) {
	mine, err := StartTime(os.Getpid())
	if err != nil || mine == 0 {
		t.Fatalf("%d, %v", mine, err)
	}
	cmd := testproc.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if theirs, err := StartTime(cmd.Process.Pid); err != nil || theirs < mine {
		t.Errorf("a child that started at %d, we at %d, %v", theirs, mine, err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if at, err := StartTime(cmd.Process.Pid); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a process that is gone started at %d, %v", at, err)
	}
}

// A command's name may hold anything, also what looks like the fields behind it.
func TestParseStat(t *testing.T) {
	const rest = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 424242 20"
	for _, name := range []string{"sh", "a b", ") S 1 2", "((", ")"} {
		if state, n, err := parseStat([]byte("7 (" + name + ")" + rest)); err != nil || n != 424242 || state != 'S' {
			t.Errorf("%q: %c %d, %v", name, state, n, err)
		}
	}
	for _, bad := range []string{"", "7", "7 (sh)", "7 (sh) S 1 2", "7 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x 20"} {
		if _, n, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q: %d", bad, n)
		}
	}
}

func TestNamespace(t *testing.T) {
	if a, b := Namespace("ipc"), Namespace("pid"); a == 0 || b == 0 || a == b {
		t.Errorf("ipc %d, pid %d", a, b)
	}
	if n := Namespace("nonsense"); n != 0 {
		t.Errorf("nonsense %d", n)
	}
}

func TestField(t *testing.T) {
	file := []byte("Mem: 1 kB\nMemAvailable:  42 kB\nempty\nword x\nlast 7")
	for name, want := range map[string]int64{"Mem:": 1, "MemAvailable:": 42, "last": 7} {
		if n, ok := Field(file, name); n != want || !ok {
			t.Errorf("%s: %d, %v", name, n, ok)
		}
	}
	for _, name := range []string{"MemAvailable", "empty", "word", "kB", ""} {
		if n, ok := Field(file, name); ok {
			t.Errorf("%q: %d", name, n)
		}
	}
}
