package layout

import (
	"reflect"
	"testing"
)

// Entries that are structs lie as the tables say.
func TestStructsLieAsTheLayoutSays(t *testing.T) {
	hold, sub := reflect.TypeFor[Hold](), reflect.TypeFor[Subscription]()
	if hold.Size() != HoldStride || sub.Size() != SubStride {
		t.Error("a struct is not as long as its entry")
	}
	at := func(in reflect.Type, name string) uintptr {
		f, _ := in.FieldByName(name)
		return f.Offset
	}
	if at(hold, "Length") != HoldLength || at(sub, "Cursor") != SubCursor || at(sub, "Lost") != SubLost {
		t.Error("a struct's words are not where the layout has them")
	}
}

// The kernel reaches every life word from private memory, and one load has both halves of the
// status word.
func TestLifeWordsAreWithinReach(t *testing.T) {
	const entry = 8 // bytes, of which the first lies LifeDistance in front of the word
	for name, word := range map[string]int{"server": OffServer, "last slot": HeaderSize + (SlotCount-1)*SlotStride + SlotLife} {
		if word+entry > LifeDistance || word%entry != 0 {
			t.Errorf("%s: the word at %d has no entry in the %d bytes in front of the control object", name, word, LifeDistance)
		}
	}
	if OffServer%8 != 0 || OffState != OffServer+4 {
		t.Errorf("server at %d and state at %d are not one word of 8 bytes", OffServer, OffState)
	}
}
