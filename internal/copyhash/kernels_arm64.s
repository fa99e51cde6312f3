//go:build arm64 && !purego

#include "textflag.h"

// What Go's assembler lacks. d, n and m are the numbers of vector registers.
//
// XTN Vd.2S, Vn.2D: the low halves of two 64-bit lanes.
#define XTN(d, n) WORD $(0x0EA12800 | (n)<<5 | (d))
// SHRN Vd.2S, Vn.2D, #32: the high halves.
#define SHRN32(d, n) WORD $(0x0F208400 | (n)<<5 | (d))
// UMULL Vd.2D, Vn.2S, Vm.2S: 32 x 32 to 64 bits.
#define UMULL(d, n, m) WORD $(0x2EA0C000 | (m)<<16 | (n)<<5 | (d))
// UMLAL Vd.2D, Vn.2S, Vm.2S: the same, added to Vd.
#define UMLAL(d, n, m) WORD $(0x2EA08000 | (m)<<16 | (n)<<5 | (d))

// Registers, in both functions:
//	R0 accumulators, R1 source, R2 secret, R3 stripes left, R4 destination,
//	R5 secret of this stripe, R6 stripes to the scramble
//	V0-V3 accumulators, V4-V7 data, V16-V19 secret and then keyed data,
//	V20-V23 halves, V30 the factor of the scramble

// LANES adds two lanes: data is in register v, keyed data in w, and a is the accumulator.
#define LANES(a, va, vv, w) \
	XTN(20, w)                       \
	SHRN32(21, w)                    \
	VEXT $8, vv.B16, vv.B16, V22.B16 \
	VADD V22.D2, va.D2, va.D2        \
	UMLAL(a, 20, 21)

// STRIPE adds the 64 bytes in V4-V7 and moves the secret on by 8 bytes.
#define STRIPE \
	VLD1 (R5), [V16.B16, V17.B16, V18.B16, V19.B16] \
	ADD  $8, R5                    \
	VEOR V4.B16, V16.B16, V16.B16  \
	VEOR V5.B16, V17.B16, V17.B16  \
	VEOR V6.B16, V18.B16, V18.B16  \
	VEOR V7.B16, V19.B16, V19.B16  \
	LANES(0, V0, V4, 16)           \
	LANES(1, V1, V5, 17)           \
	LANES(2, V2, V6, 18)           \
	LANES(3, V3, V7, 19)

// SCRAMBLE2 scrambles the two lanes of accumulator a with the secret in vk.
#define SCRAMBLE2(a, va, vk) \
	VUSHR $47, va.D2, V20.D2        \
	VEOR  V20.B16, va.B16, va.B16   \
	VEOR  vk.B16, va.B16, va.B16    \
	XTN(20, a)                      \
	SHRN32(21, a)                   \
	UMULL(22, 21, 30)               \
	VSHL  $32, V22.D2, va.D2        \
	UMLAL(a, 20, 30)

// SCRAMBLE scrambles all, with the last 64 bytes of the secret, and goes back to its start.
#define SCRAMBLE \
	ADD  $128, R2, R5                               \
	VLD1 (R5), [V16.B16, V17.B16, V18.B16, V19.B16] \
	SCRAMBLE2(0, V0, V16)                           \
	SCRAMBLE2(1, V1, V17)                           \
	SCRAMBLE2(2, V2, V18)                           \
	SCRAMBLE2(3, V3, V19)                           \
	MOVD R2, R5                                     \
	MOVD $16, R6

#define BEGIN \
	VLD1 (R0), [V0.D2, V1.D2, V2.D2, V3.D2] \
	MOVD $0x9E3779B1, R7                    \
	VDUP R7, V30.S4                         \
	MOVD R2, R5                             \
	MOVD $16, R6

// func sumNEON(acc *[8]uint64, src, key *byte, stripes int)
TEXT ·sumNEON(SB), NOSPLIT, $0-32
	MOVD acc+0(FP), R0
	MOVD src+8(FP), R1
	MOVD key+16(FP), R2
	MOVD stripes+24(FP), R3
	BEGIN
	CBZ  R3, done

next:
	PRFM   1024(R1), PLDL1STRM
	VLD1.P 64(R1), [V4.B16, V5.B16, V6.B16, V7.B16]
	STRIPE
	SUB    $1, R3
	SUBS   $1, R6
	BNE    same
	SCRAMBLE

same:
	CBNZ R3, next

done:
	VST1 [V0.D2, V1.D2, V2.D2, V3.D2], (R0)
	RET

// func copyNEON(acc *[8]uint64, dst, src, key *byte, stripes int)
TEXT ·copyNEON(SB), NOSPLIT, $0-40
	MOVD acc+0(FP), R0
	MOVD dst+8(FP), R4
	MOVD src+16(FP), R1
	MOVD key+24(FP), R2
	MOVD stripes+32(FP), R3
	BEGIN
	CBZ  R3, done

next:
	PRFM   1024(R1), PLDL1STRM
	VLD1.P 64(R1), [V4.B16, V5.B16, V6.B16, V7.B16]
	VST1.P [V4.B16, V5.B16, V6.B16, V7.B16], 64(R4)
	STRIPE
	SUB    $1, R3
	SUBS   $1, R6
	BNE    same
	SCRAMBLE

same:
	CBNZ R3, next

done:
	VST1 [V0.D2, V1.D2, V2.D2, V3.D2], (R0)
	RET
