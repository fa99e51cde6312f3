package preview

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
)

// compressed returns a copy of data and its media type if data is a JPEG or PNG, and a note if such
// a picture is not shown. It reads only the headers, from the copy, and decompresses nothing.
func compressed(data []byte) (copied []byte, kind, note string) {
	var header image.Config
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		kind = "image/jpeg"
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		kind = "image/png"
	default:
		return data, "", ""
	}
	if len(data) > maxCompressed {
		return data, "", fmt.Sprintf("%s of %d bytes: only those of up to %d are shown", kind, len(data), maxCompressed)
	}
	data = bytes.Clone(data)
	if kind == "image/jpeg" {
		header, err = jpeg.DecodeConfig(bytes.NewReader(data))
	} else {
		header, err = png.DecodeConfig(bytes.NewReader(data))
	}
	switch {
	case err != nil:
		return data, "", fmt.Sprintf("%s that is broken: %s", kind, err.Error())
	case header.Width < 1 || header.Height < 1 || header.Width > maxSide || header.Height > maxSide ||
		header.Width*header.Height > maxPixels:
		return data, "", fmt.Sprintf("%s of %dx%d pixels: only those of up to %d a side and %d in all are shown",
			kind, header.Width, header.Height, maxSide, maxPixels)
	}
	return data, kind, ""
}
