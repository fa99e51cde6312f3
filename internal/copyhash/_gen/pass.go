package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The shape of XXH3's long hash: stripes of 64 bytes, and the accumulators are scrambled
// after every 16th. A stripe's part of the secret begins 8 bytes after that of the one
// before; the scramble takes the last 64 bytes.
const (
	stripe      = 64
	perBlock    = 16
	secretStep  = 8
	scrambleKey = 192 - 64
)

type stores int

const (
	none stores = iota
	ordinary
	nonTemporal
)

// vectors is what differs between the instruction sets.
type vectors interface {
	suffix() string
	// begin loads the eight accumulators and the constants.
	begin(acc reg.Register)
	// keys returns where the parts of the secret at key are for the stripes of a block: in
	// registers that it loads, if there are so many, or in memory.
	keys(key reg.Register) [perBlock]Op
	// stripe accumulates the stripe at src with a part of the secret, and stores at dst the
	// registers that it has loaded: no byte is loaded twice.
	stripe(src Mem, key Op, dst Mem, st stores)
	scramble(key Mem)
	// end stores the accumulators.
	end(acc reg.Register)
}

// A shape is what differs between the passes.
type shape struct {
	name  string
	st    stores
	lines bool // asks for each line of the source ahead of its use
	does  []string
}

// pass writes one function. Its loop over whole blocks is unrolled, so that the secret is
// addressed by constants; what is left over goes stripe by stripe.
//
// Once a page it asks for a line some pages further on, on both sides: what takes long in cold
// memory is not only the bytes but their address, which the CPU looks up in the page tables
// when a page is first touched, and which stores wait for in turn. The stores of a copy into
// cold memory are half as fast again with it, and streaming ones twice as fast.
func pass(v vectors, s shape) {
	signature := "func(acc *[8]uint64, dst, src, key *byte, stripes int)"
	if s.st == none {
		signature = "func(acc *[8]uint64, src, key *byte, stripes int)"
	}
	TEXT(s.name+v.suffix(), NOSPLIT, signature)
	Doc(append([]string{s.name + v.suffix() + " takes stripes of 64 bytes from src, which begin a block of 1024, and"}, s.does...)...)
	Pragma("noescape")
	acc := Load(Param("acc"), GP64())
	src := Load(Param("src"), GP64())
	key := Load(Param("key"), GP64())
	rest := Load(Param("stripes"), GP64())
	var dst reg.Register
	if s.st != none {
		dst = Load(Param("dst"), GP64())
	}
	at := func(base reg.Register, offset int) Mem {
		if base == nil {
			return Mem{}
		}
		return Mem{Base: base, Disp: offset}
	}
	advance := func(by int) {
		ADDQ(U32(by), src)
		if dst != nil {
			ADDQ(U32(by), dst)
		}
	}
	v.begin(acc)
	blocks := GP64()
	MOVQ(rest, blocks)
	SHRQ(U8(4), blocks)
	ANDQ(U8(perBlock-1), rest)
	TESTQ(blocks, blocks)
	JZ(LabelRef("left"))
	keys := v.keys(key)

	Label("block")
	nextPages("block", src, dst, s.lines)
	for i := range perBlock {
		if s.lines { // asking beyond the end is harmless
			PREFETCHT0(at(src, i*stripe+linesAhead))
		}
		v.stripe(at(src, i*stripe), keys[i], at(dst, i*stripe), s.st)
	}
	v.scramble(at(key, scrambleKey))
	advance(perBlock * stripe)
	DECQ(blocks)
	JNZ(LabelRef("block"))

	Label("left")
	TESTQ(rest, rest)
	JZ(LabelRef("done"))
	nextPages("left", src, dst, s.lines)
	Label("single")
	v.stripe(at(src, 0), at(key, 0), at(dst, 0), s.st)
	advance(stripe)
	ADDQ(U8(secretStep), key)
	DECQ(rest)
	JNZ(LabelRef("single"))

	Label("done")
	v.end(acc)
	VZEROUPPER()
	RET()
}

// nextPages asks for a line some pages ahead on each side, in one block of each page. What is
// left over counts as a block: frames of a page or two have few others.
func nextPages(part string, src, dst reg.Register, lines bool) {
	next := func(name string, base reg.Register, ahead int) {
		known := part + name + "Known"
		TESTQ(U32(page-perBlock*stripe), base)
		JNZ(LabelRef(known))
		PREFETCHT0(Mem{Base: base, Disp: ahead})
		Label(known)
	}
	if dst != nil {
		next("Dst", dst, storesAhead)
	}
	if lines {
		next("Src", src, loadsAhead)
	} else {
		next("Src", src, storesAhead)
	}
}
