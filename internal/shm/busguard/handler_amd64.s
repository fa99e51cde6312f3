#include "textflag.h"

// func handlerPC() uintptr
TEXT ·handlerPC(SB), NOSPLIT, $0-8
	LEAQ ·handler(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// handler is called by the kernel: DI the signal, SI the siginfo, DX the context; at the top
// of the stack the way back. sigreturn restores all registers, so that only those three must
// survive for the handler before.
TEXT ·handler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	CMPL 8(SI), $2        // si_code: BUS_ADRERR, no memory behind the address
	JNE  chain
	MOVQ 16(SI), AX       // si_addr
	LEAQ ·table(SB), BX
	MOVL ·used(SB), CX

look:
	TESTL CX, CX
	JEQ   chain
	MOVQ  0(BX), R8       // version
	TESTQ $1, R8
	JNE   next
	MOVQ  8(BX), R9       // first area
	MOVQ  16(BX), R10
	MOVQ  24(BX), R11     // second area
	MOVQ  32(BX), R12
	CMPQ  R8, 0(BX)       // loads are not reordered
	JNE   next
	MOVQ  AX, R13
	SUBQ  R9, R13
	CMPQ  R13, R10
	JCS   found
	MOVQ  AX, R13
	SUBQ  R11, R13
	CMPQ  R13, R12
	JCS   found

next:
	ADDQ $64, BX
	DECL CX
	JMP  look

found:
	MOVL  $1, 40(BX)      // hit
	PUSHQ DI
	PUSHQ SI
	PUSHQ DX
	MOVQ  R11, R13        // the kernel spoils R11
	MOVQ  R9, DI
	MOVQ  R10, SI
	MOVQ  $3, DX          // PROT_READ|PROT_WRITE
	MOVQ  $0x4032, R10    // MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS|MAP_NORESERVE
	MOVQ  $-1, R8
	XORL  R9, R9
	MOVL  $9, AX          // mmap
	SYSCALL
	CMPQ  AX, $-4095
	JCC   failed
	MOVQ  R13, DI
	MOVQ  R12, SI
	MOVL  $9, AX
	SYSCALL
	CMPQ  AX, $-4095
	JCC   failed
	POPQ  DX
	POPQ  SI
	POPQ  DI
	RET

failed:
	POPQ DX
	POPQ SI
	POPQ DI

chain:
	MOVQ ·previous(SB), AX
	JMP  AX
