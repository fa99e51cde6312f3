#include "textflag.h"

// func handlerPC() uintptr
TEXT ·handlerPC(SB), NOSPLIT, $0-8
	MOVD $·handler(SB), R0
	MOVD R0, ret+0(FP)
	RET

// handler is called by the kernel: R0 the signal, R1 the siginfo, R2 the context, R30 the way
// back. sigreturn restores all registers, so that only those four, and R28, must survive for
// the handler before.
TEXT ·handler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	MOVW 8(R1), R3        // si_code: BUS_ADRERR, no memory behind the address
	CMPW $2, R3
	BNE  chain
	MOVD 16(R1), R3       // si_addr
	MOVD $·table(SB), R6
	MOVWU ·used(SB), R7

look:
	CBZ  R7, chain
	LDAR (R6), R9         // version
	TBNZ $0, R9, next
	MOVD 8(R6), R10       // first area
	MOVD 16(R6), R11
	MOVD 24(R6), R12      // second area
	MOVD 32(R6), R13
	DMB  $0x9             // ISHLD: those before the version again
	MOVD (R6), R14
	CMP  R9, R14
	BNE  next
	SUB  R10, R3, R14
	CMP  R11, R14
	BLO  found
	SUB  R12, R3, R14
	CMP  R13, R14
	BLO  found

next:
	ADD $64, R6
	SUB $1, R7
	B   look

found:
	MOVD  $40(R6), R14
	MOVD  $1, R15
	STLRW R15, (R14)      // hit
	MOVD  R0, R19
	MOVD  R1, R20
	MOVD  R2, R21
	MOVD  R10, R0
	MOVD  R11, R1
	MOVD  $3, R2          // PROT_READ|PROT_WRITE
	MOVD  $0x4032, R3     // MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS|MAP_NORESERVE
	MOVD  $-1, R4
	MOVD  ZR, R5
	MOVD  $222, R8        // mmap
	SVC
	CMN   $4095, R0
	BHS   failed
	MOVD  R12, R0
	MOVD  R13, R1
	SVC
	CMN   $4095, R0
	BHS   failed
	RET

failed:
	MOVD R19, R0
	MOVD R20, R1
	MOVD R21, R2

chain:
	MOVD ·previous(SB), R3
	B    (R3)
