package chartmogul

// Paths lists the routes and their methods, for tests of all of them.
func Paths() map[string][]string { return pathsOf((&server{}).routes()) }

// CursorRoundTrip reads a cursor and spells it again.
func CursorRoundTrip(kind byte, s string) (string, bool) {
	p, ok := parseCursor(kind, s)
	return p.cursor(), ok
}

// OwnPaths lists Reseed's own routes and their methods.
func OwnPaths() map[string][]string { return pathsOf((&server{}).own()) }

// InvoicePaths lists the routes of invoices, line items and transactions and their methods.
func InvoicePaths() map[string][]string { return pathsOf(ofInvoices()) }

func pathsOf(routes []route) map[string][]string {
	out := map[string][]string{}
	for _, r := range routes {
		for m := range r.methods {
			out[r.path] = append(out[r.path], m)
		}
	}
	return out
}
