package shm

import (
	"math"
	"os"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

func TestLimitsOfThisMachine(t *testing.T) {
	all := limits()
	if len(all) == 0 || all[0].free <= 0 {
		t.Errorf("%+v", all)
	}
	if err := checkRoom(1 << 20); err != nil {
		t.Error(err)
	}
}

// What ulimit leaves counts; what it does not limit, or cannot be read, does not.
func TestUlimits(t *testing.T) {
	page := int64(os.Getpagesize())
	root := fstest.MapFS{"proc/self/statm": {Data: []byte("1000 1 1 1 0 200 0\n")}}
	most := map[int]uint64{unix.RLIMIT_AS: uint64(1500 * page), unix.RLIMIT_DATA: math.MaxUint64}
	get := func(kind int) (uint64, error) { return most[kind], nil }
	if all := ulimits(root, get); len(all) != 1 || all[0].free != 500*page || all[0].what != "ulimit -v" {
		t.Errorf("%+v", all)
	}
	most[unix.RLIMIT_DATA] = uint64(100 * page)
	if all := ulimits(root, get); len(all) != 2 || all[1].free != -100*page {
		t.Errorf("%+v", all)
	}
	if all := ulimits(fstest.MapFS{}, get); all != nil {
		t.Errorf("%+v", all)
	}
}
