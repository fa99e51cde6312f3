//go:build !purego

#include "textflag.h"

// func streamLines(dst, src *byte, lines int)
TEXT ·streamLines(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ lines+16(FP), CX

loop:
	PREFETCHT0 4096(SI)
	MOVOU (SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	MOVNTO X0, (DI)
	MOVNTO X1, 16(DI)
	MOVNTO X2, 32(DI)
	MOVNTO X3, 48(DI)
	ADDQ $64, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  loop
	SFENCE
	RET

// func readLines(src *byte, lines int)
TEXT ·readLines(SB), NOSPLIT, $0-16
	MOVQ src+0(FP), SI
	MOVQ lines+8(FP), CX

loop:
	PREFETCHT0 4096(SI)
	MOVOU (SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	ADDQ $64, SI
	DECQ CX
	JNZ  loop
	RET
