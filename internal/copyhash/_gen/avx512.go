package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// avx512 keeps the accumulators in one register of eight, and a block's keys in another sixteen:
// in memory each of them lies across two cache lines. Only AVX512F is used.
type avx512 struct{}

var acc512, prime512 reg.VecVirtual

func (avx512) suffix() string { return "AVX512" }

func (avx512) begin(acc reg.Register) {
	acc512, prime512 = ZMM(), ZMM()
	VMOVDQU64(Mem{Base: acc}, acc512)
	p := GP64()
	MOVQ(U64(prime32), p)
	VPBROADCASTQ(p, prime512)
}

func (avx512) keys(key reg.Register) (all [perBlock]Op) {
	for i := range all {
		k := ZMM()
		VMOVDQU64(Mem{Base: key, Disp: i * secretStep}, k)
		all[i] = k
	}
	return all
}

func (avx512) stripe(src Mem, key Op, dst Mem, st stores) {
	data, keyed, high := ZMM(), ZMM(), ZMM()
	VMOVDQU64(src, data)
	switch st {
	case ordinary:
		VMOVDQU64(data, dst)
	case nonTemporal:
		VMOVNTDQ(data, dst)
	}
	VPXORQ(key, data, keyed)
	VPSRLQ(U8(32), keyed, high)
	VPMULUDQ(keyed, high, keyed)
	VPSHUFD(U8(swapHalves), data, data)
	VPADDQ(data, keyed, keyed)
	VPADDQ(keyed, acc512, acc512)
}

func (avx512) scramble(key Mem) {
	t, high := ZMM(), ZMM()
	VPSRLQ(U8(47), acc512, t)
	VPXORQ(t, acc512, acc512)
	VPXORQ(key, acc512, acc512)
	VPSRLQ(U8(32), acc512, high)
	VPMULUDQ(prime512, acc512, acc512)
	VPMULUDQ(prime512, high, high)
	VPSLLQ(U8(32), high, high)
	VPADDQ(high, acc512, acc512)
}

func (avx512) end(acc reg.Register) {
	VMOVDQU64(acc512, Mem{Base: acc})
}
