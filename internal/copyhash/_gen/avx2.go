package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// avx2 keeps the accumulators in two registers of four.
type avx2 struct{}

var (
	acc256   [2]reg.VecVirtual
	prime256 reg.VecVirtual
)

const half = 32

func (avx2) suffix() string { return "AVX2" }

func (avx2) begin(acc reg.Register) {
	acc256, prime256 = [2]reg.VecVirtual{YMM(), YMM()}, YMM()
	for i, a := range acc256 {
		VMOVDQU(Mem{Base: acc, Disp: i * half}, a)
	}
	p := GP64()
	MOVQ(U64(prime32), p)
	x := XMM()
	VMOVQ(p, x)
	VPBROADCASTQ(x, prime256)
}

func (avx2) keys(key reg.Register) (all [perBlock]Op) {
	for i := range all {
		all[i] = Mem{Base: key, Disp: i * secretStep}
	}
	return all
}

func (avx2) stripe(src Mem, key Op, dst Mem, st stores) {
	for i, a := range acc256 {
		data, keyed, high := YMM(), YMM(), YMM()
		VMOVDQU(src.Offset(i*half), data)
		switch st {
		case ordinary:
			VMOVDQU(data, dst.Offset(i*half))
		case nonTemporal:
			VMOVNTDQ(data, dst.Offset(i*half))
		}
		VPXOR(key.(Mem).Offset(i*half), data, keyed)
		VPSRLQ(U8(32), keyed, high)
		VPMULUDQ(keyed, high, keyed)
		VPSHUFD(U8(swapHalves), data, data)
		VPADDQ(data, keyed, keyed)
		VPADDQ(keyed, a, a)
	}
}

func (avx2) scramble(key Mem) {
	for i, a := range acc256 {
		t, high := YMM(), YMM()
		VPSRLQ(U8(47), a, t)
		VPXOR(t, a, a)
		VPXOR(key.Offset(i*half), a, a)
		VPSRLQ(U8(32), a, high)
		VPMULUDQ(prime256, a, a)
		VPMULUDQ(prime256, high, high)
		VPSLLQ(U8(32), high, high)
		VPADDQ(high, a, a)
	}
}

func (avx2) end(acc reg.Register) {
	for i, a := range acc256 {
		VMOVDQU(a, Mem{Base: acc, Disp: i * half})
	}
}
