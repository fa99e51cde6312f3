package fberr

// Clip shortens text from outside to 200 bytes, so that an error that quotes it stays readable.
func Clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
