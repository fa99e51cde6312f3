package shm

import "testing"

func TestLimitsOfThisMachine(t *testing.T) {
	all := limits()
	if len(all) == 0 || all[0].free <= 0 {
		t.Errorf("%+v", all)
	}
	if err := checkRoom(1 << 20); err != nil {
		t.Error(err)
	}
}
