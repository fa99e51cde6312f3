package harmless

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// What is not seen is shown, and what is seen stays.
func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"cam/1 ok":               "cam/1 ok",
		"a\x1b[31mb\x07\x7f\x00": `a\u001b[31mb\u0007\u007f\u0000`,
		"a\nb\r\tc":              `a\nb\r\tc`,
		"\u0085\u009b2J":         `\u0085\u009b2J`,
		"\u202ex\u2066y\u2069":   `\u202ex\u2066y\u2069`,
		"\u200ea\u200fb\u061c":   `\u200ea\u200fb\u061c`,
		"ca\u200bm\u2060\ufeff":  `ca\u200bm\u2060\ufeff`,
		"ca\u200dm ca\u200cm":    `ca\u200dm ca\u200cm`,
		"\u00adx\u3164\u2800":    `\u00adx\u3164\u2800`,
		"a\ufe0fb\u034f":         `a\ufe0fb\u034f`,
		"a\u2028b\u2029":         `a\u2028b\u2029`,
		"\U000e0041\U000e0100":   `\udb40\udc41\udb40\udd00`,
		"\x9b2J\xff\xc3":         "\ufffd2J\ufffd\ufffd",
		"\ufffd":                 "\ufffd",
	} {
		if got := Text(in); got != want {
			t.Errorf("%+q is %q, want %q", in, got, want)
		}
	}
	for _, s := range []string{
		"日本語カ", "한국어 이름", "cafe\u0301", "נמסטה", "नमस्ते", "شكرا", "👨\u200d👩\u200d👧\u200d👦", "❤\ufe0f", "👩🏽\u200d🚒", "🏳\ufe0f\u200d🌈", "1\ufe0f\u20e3", "🇩🇪", "全\u3000角", "µ–∞×…█▄",
	} {
		if got := Text(s); got != s {
			t.Errorf("%q is %q", s, got)
		}
	}
	if got := Lines("a\tb\n\x1bc\r\n"); got != "a\tb\n\\u001bc\\r\n" {
		t.Errorf("%q", got)
	}
}

// JSON is the same afterwards.
func TestJSON(t *testing.T) {
	was := map[string]string{"a\u202e\x1b": "b\u200b\U000e0041\u009b\"\\\n", "c": "\u2028\ufeff👩\u200d👧"}
	text, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if n, err := (Writer{&b}).Write(append(text, '\n')); n != len(text)+1 || err != nil {
		t.Fatal(n, err)
	}
	var is map[string]string
	if err := json.Unmarshal(b.Bytes(), &is); err != nil || len(is) != 2 {
		t.Fatal(err, b.String())
	}
	for k, v := range was {
		if is[k] != v {
			t.Errorf("%q: %q, not %q", k, is[k], v)
		}
	}
	if strings.ContainsAny(b.String(), "\u202e\x1b\u200b\u009b\ufeff\U000e0041") {
		t.Errorf("%+q", b.String())
	}
}
