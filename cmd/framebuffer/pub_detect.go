package main

import (
	"bytes"
	"fmt"
)

// sniffed is how many bytes at the beginning of the input are examined.
const sniffed = 512

// y4m is the signature of YUV4MPEG2. Raw pixels do not begin with these ten letters by chance.
const y4m = "YUV4MPEG2 "

// refuse returns errBadInput if the beginning of the input shows that it is not raw frames.
func refuse(head []byte) error {
	if !bytes.HasPrefix(head, []byte(y4m)) {
		return nil
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return fmt.Errorf("%w: the input is a YUV4MPEG2 stream (%.60q), with headers between its pictures, "+
		"and not raw frames: write raw video instead (ffmpeg -i - -f rawvideo -pix_fmt yuv420p -)", errBadInput, line)
}

// resembles returns the kind of file whose signature the input begins with, or "". Raw video
// may begin with any bytes, so the command only warns.
func resembles(head []byte) string {
	has := func(at int, magic string) bool { return len(head) > at && bytes.HasPrefix(head[at:], []byte(magic)) }
	switch {
	case has(0, "\xff\xd8\xff"):
		return "a JPEG (--mjpeg takes those)"
	case has(0, "\x89PNG\r\n\x1a\n"):
		return "a PNG"
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return "a GIF"
	case has(0, "RIFF") && (has(8, "AVI ") || has(8, "WEBP") || has(8, "WAVE")):
		return "a RIFF file (AVI, WebP or WAVE)"
	case has(4, "ftyp"):
		return "an MP4 or QuickTime file"
	case has(0, "\x1aE\xdf\xa3"):
		return "a Matroska or WebM file"
	case has(0, "OggS"):
		return "an Ogg file"
	case has(0, "FLV\x01"):
		return "an FLV file"
	case has(0, "DKIF"):
		return "an IVF file"
	case has(0, "\x47") && has(188, "\x47") && has(376, "\x47"):
		return "an MPEG transport stream"
	case has(0, "\x00\x00\x01\xba"):
		return "an MPEG program stream"
	case has(0, "\x00\x00\x00\x01\x67"), has(0, "\x00\x00\x00\x01\x09"), has(0, "\x00\x00\x00\x01\x40\x01"):
		return "an H.264 or H.265 stream"
	case has(0, "--") && bytes.Contains(head, []byte("\r\nContent-Type: ")):
		return "a multipart stream"
	}
	return ""
}
