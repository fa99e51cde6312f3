package main

const (
	// prime32 is XXH_PRIME32_1, the factor of the scramble.
	prime32 = 2654435761
	// swapHalves makes VPSHUFD exchange the two 64-bit halves of each 128 bits: a lane's
	// data is added to its neighbour.
	swapHalves = 0b01_00_11_10
	page       = 4096

	// How far ahead of its use memory is prefetched, by measurement: each line of a cold source,
	// the pages of a source, and those of the destination. Less comes too late; much more is
	// slower again. Package copyhash stops linesAhead before the end of a frame: what follows may be
	// written by another process. A cold destination is prefetched one line further, since frames
	// of exactly 4 KiB are common: the line after the frame is then the header of the next one.
	linesAhead  = 4096
	streamAhead = 2048 // likewise, with streaming stores: 1024 to 2048 were best, 512 cost a third
	loadsAhead  = 16384
	storesAhead = 12288
	header      = 64
)
