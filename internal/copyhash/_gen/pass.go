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
	// stripe accumulates the stripe at src with the secret at key, and stores at dst the
	// registers that it has loaded: no byte is loaded twice.
	stripe(src, key, dst Mem, st stores)
	scramble(key Mem)
	// end stores the accumulators.
	end(acc reg.Register)
}

// pass writes one function. Its loop over whole blocks is unrolled, so that the secret is
// addressed by constants; what is left over goes stripe by stripe.
func pass(v vectors, name string, st stores, fetch bool, does ...string) {
	signature := "func(acc *[8]uint64, dst, src, key *byte, stripes int)"
	if st == none {
		signature = "func(acc *[8]uint64, src, key *byte, stripes int)"
	}
	TEXT(name+v.suffix(), NOSPLIT, signature)
	Doc(append([]string{name + v.suffix() + " takes stripes of 64 bytes from src, which begin a block of 1024, and"}, does...)...)
	Pragma("noescape")
	acc := Load(Param("acc"), GP64())
	src := Load(Param("src"), GP64())
	key := Load(Param("key"), GP64())
	rest := Load(Param("stripes"), GP64())
	var dst reg.Register
	if st != none {
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

	Label("block")
	for i := range perBlock {
		if fetch { // asking beyond the end is harmless
			PREFETCHT0(at(src, i*stripe+ahead))
		}
		v.stripe(at(src, i*stripe), at(key, i*secretStep), at(dst, i*stripe), st)
	}
	v.scramble(at(key, scrambleKey))
	advance(perBlock * stripe)
	DECQ(blocks)
	JNZ(LabelRef("block"))

	Label("left")
	TESTQ(rest, rest)
	JZ(LabelRef("done"))
	Label("single")
	v.stripe(at(src, 0), at(key, 0), at(dst, 0), st)
	advance(stripe)
	ADDQ(U8(secretStep), key)
	DECQ(rest)
	JNZ(LabelRef("single"))

	Label("done")
	v.end(acc)
	VZEROUPPER()
	RET()
}
