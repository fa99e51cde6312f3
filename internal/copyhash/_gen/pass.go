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
	// keys returns where the parts of the secret at key are for the stripes of a block.
	keys(key reg.Register) [perBlock]Op
	// stripe accumulates the stripe at src with a part of the secret, and stores at dst the
	// registers that it has loaded: no byte is loaded twice.
	stripe(src Mem, key Op, dst Mem, st stores)
	scramble(key Mem)
	// end stores the accumulators.
	end(acc reg.Register)
}

// A side of a copy.
type side int

const (
	neither side = iota
	source
	target
)

// A shape is what differs between the passes.
type shape struct {
	name  string
	st    stores
	lines side // each line there is asked for ahead of its use
	does  []string
}

// pass writes one function. Its loop goes over blocks and is unrolled, so that the secret is
// addressed by constants, and left in the middle of the last block. A loop of its own for what
// is left over costs a fifth with frames of 4 KiB in cold memory: the CPU knows a stream by the
// instruction that loads or stores it, and begins anew with another.
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
	v.begin(acc)
	keys := v.keys(key)

	ahead := linesAhead
	if s.st == nonTemporal {
		ahead = streamAhead
	}

	Label("block")
	nextPages(src, dst, s.lines == source)
	for i := range perBlock {
		switch s.lines { // asking beyond the end is harmless
		case source:
			PREFETCHT0(at(src, i*stripe+ahead))
		case target:
			PREFETCHT0(at(dst, i*stripe+linesAhead+header))
		case neither:
		}
		v.stripe(at(src, i*stripe), keys[i], at(dst, i*stripe), s.st)
		if i < perBlock-1 {
			DECQ(rest)
			JZ(LabelRef("done"))
		}
	}
	v.scramble(at(key, scrambleKey))
	ADDQ(U32(perBlock*stripe), src)
	if dst != nil {
		ADDQ(U32(perBlock*stripe), dst)
	}
	DECQ(rest)
	JNZ(LabelRef("block"))

	Label("done")
	v.end(acc)
	VZEROUPPER()
	RET()
}

// nextPages asks for a line some pages ahead on each side, in one block of each page.
func nextPages(src, dst reg.Register, lines bool) {
	next := func(name string, base reg.Register, ahead int) {
		TESTQ(U32(page-perBlock*stripe), base)
		JNZ(LabelRef(name))
		PREFETCHT0(Mem{Base: base, Disp: ahead})
		Label(name)
	}
	if dst != nil {
		next("dstKnown", dst, storesAhead)
	}
	if lines {
		next("srcKnown", src, loadsAhead)
	} else {
		next("srcKnown", src, storesAhead)
	}
}
