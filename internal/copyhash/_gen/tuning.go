package main

const (
	// prime32 is XXH_PRIME32_1, the factor of the scramble.
	prime32 = 2654435761
	// swapHalves makes VPSHUFD exchange the two 64-bit halves of each 128 bits: a lane's
	// data is added to its neighbour.
	swapHalves = 0b01_00_11_10
	page       = 4096

	// How far before its use memory is asked for, by measurement: each line of a cold source,
	// the pages of one that is read so, and those of memory that is stored to. Less comes too
	// late; much more is worse again. linesAhead is also what package copyhash keeps away from
	// the end of a frame by: what lies behind it is another's, who may be writing it. A cold
	// destination is asked for one line further on, since frames of exactly 4 KiB are common: the
	// line behind the frame is then the header of the next one, and these are its bytes.
	linesAhead  = 4096
	loadsAhead  = 16384
	storesAhead = 12288
	header      = 64
)
