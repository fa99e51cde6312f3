package layout

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/layout.md and testdata from the code")

// The tables of docs/layout.md are those of the code.
func TestDocumentMatchesCode(t *testing.T) {
	const file = "../../docs/layout.md"
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(old)
	for name, fields := range map[string][]Field{
		"header": HeaderFields(), "slot": SlotFields(), "chunk": ChunkFields(), "hold": HoldFields(), "milestone": MilestoneFields(),
		"topic": TopicFields(), "group": GroupFields(), "subscription": SubscriptionFields(), "record": RecordFields(),
	} {
		block := regexp.MustCompile(`(?s)<!-- ` + name + ` -->\n.*?<!-- end -->`)
		if !block.MatchString(text) {
			t.Fatalf("%s has no block %q", file, name)
		}
		text = block.ReplaceAllLiteralString(text, "<!-- "+name+" -->\n"+rows(fields)+"<!-- end -->")
	}
	if text == string(old) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the code: run `go test ./internal/layout -update`", file)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func rows(fields []Field) string {
	var b strings.Builder
	b.WriteString("| byte | size | word | writer | meaning |\n| ---: | ---: | --- | --- | --- |\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "| %d | %d | %s | %s | %s |\n", f.Offset, f.Size, f.Name, f.Writer, f.Meaning)
	}
	return b.String()
}

// Words do not overlap, are aligned, and stay within their object.
func TestFieldsFit(t *testing.T) {
	for _, c := range []struct {
		fields []Field
		size   int
	}{
		{HeaderFields(), HeaderSize}, {SlotFields(), SlotStride}, {ChunkFields(), ChunkHeader}, {HoldFields(), HoldStride}, {MilestoneFields(), MilestoneStride},
		{TopicFields(), TopicQueue + 8}, {GroupFields(), GroupStride}, {SubscriptionFields(), SubStride}, {RecordFields(), RecordLong},
	} {
		end := 0
		for _, f := range c.fields {
			if f.Offset < end || f.Offset%min(f.Size&-f.Size, 8) != 0 || f.Offset+f.Size > c.size {
				t.Errorf("%s at %d, size %d: overlaps, misaligned or outside", f.Name, f.Offset, f.Size)
			}
			end = f.Offset + f.Size
		}
	}
}

// Words that processes fight over, or that are read on every operation, do not share a
// pair of cache lines.
func TestHotWordsAreApart(t *testing.T) {
	if OffState/128 == OffHead/128 || OffHead%128 != 0 || OffHoldHigh/64 != OffHead/64 ||
		TopicNext%128 != 0 || TopicQueue%128 != 0 || TopicBytes/64 != TopicNext/64 || SlotCounters%64 != 0 || SlotLast%64 != 0 || SlotStride%128 != 0 {
		t.Error("head, state or counters share lines")
	}
}

type guardVector struct {
	Nonce  string `json:"nonce"` // hex
	Offset string `json:"offset"`
	Size   string `json:"size"`
	Guard  string `json:"guard"` // hex, most significant digit first
}

// Programs in other languages are held to the same vectors.
func TestGuardVectors(t *testing.T) {
	var now []guardVector
	for i, size := range []uint64{1, 64, 1 << 20, 6220800, 1<<40 + 7} {
		var nonce [16]byte
		for j := range nonce {
			nonce[j] = byte(i*37 + j*11)
		}
		offset := uint64(64) + uint64(i)*0x123456789c0
		codec := NewHeaderCodec(nonce)
		now = append(now, guardVector{fmt.Sprintf("%x", nonce), fmt.Sprint(offset), fmt.Sprint(size),
			fmt.Sprintf("%016x", guard(codec.lo, codec.hi, offset, size))})
	}
	golden(t, "../../testdata/guards.json", now)
}

type labelVector struct {
	Nonce     string `json:"nonce"` // hex
	Offset    string `json:"offset"`
	Size      string `json:"size"`
	Checksum  string `json:"checksum"` // hex, most significant digit first
	Published string `json:"published"`
	Topic     uint32 `json:"topic"` // index plus 1
	Sequence  string `json:"sequence"`
	Header    string `json:"header"` // hex, of the chunk as it lies in memory
}

// The same for labels: the whole header, allocated at time 1 by slot 2, pid 3.
func TestLabelVectors(t *testing.T) {
	var now []labelVector
	for i, l := range []Label{{1, 2, 3, 4}, {^uint64(0), 1763251200000000000, 1, 0}, {0x0123456789abcdef, -1, 1 << 16, 1 << 40}} {
		var nonce [16]byte
		for j := range nonce {
			nonce[j] = byte(i*41 + j*13)
		}
		mem := make([]byte, ChunkHeader)
		offset, size := uint64(64)+uint64(i)*0x123456789c0, uint64(1)<<(i*9)
		s := NewHeaderCodec(nonce)
		s.Put(mem, offset, Chunk{Size: size, Time: 1, Client: 2, PID: 3})
		if _, _, ok := s.Label(mem, offset, l.Topic, l.Sequence); ok {
			t.Error("a label that was never put there")
		}
		if !s.PutLabel(mem, l) || s.PutLabel(mem, l) {
			t.Error("there is one label")
		}
		if n, got, ok := s.Label(mem, offset, l.Topic, l.Sequence); !ok || n != size || got != l {
			t.Errorf("stuck %+v on %d bytes, read %+v of %d: %v", l, size, got, n, ok)
		}
		now = append(now, labelVector{fmt.Sprintf("%x", nonce), fmt.Sprint(offset), fmt.Sprint(size), fmt.Sprintf("%016x", l.Checksum),
			fmt.Sprint(l.Time), l.Topic, fmt.Sprint(l.Sequence), fmt.Sprintf("%x", mem)})
	}
	golden(t, "../../testdata/labels.json", now)
}

// golden compares what was made with what stands in a file.
func golden(t *testing.T, file string, made any) {
	t.Helper()
	text, err := json.MarshalIndent(made, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(old) != string(text) {
		t.Errorf("%s differs from the code: run `go test ./internal/layout -update`", file)
	}
}
