package chartmogul

// CursorRoundTrip reads a cursor and writes it again.
func CursorRoundTrip(kind byte, s string) (string, bool) {
	p, ok := parseCursor(kind, s)
	return p.cursor(), ok
}
