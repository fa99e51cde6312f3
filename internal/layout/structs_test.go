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
