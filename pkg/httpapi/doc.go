// Package httpapi serves the routes of packages chartmogul and api over HTTP, and has what both of
// them need. For each request it checks the key, finds the route, calls the handler and sends the
// answer. A handler gets a [Call] and returns a [Reply] or an error; errors.go turns errors into
// statuses and bodies.
//
// The size of a request's JSON is checked before it is decoded (shape.go). An answer has at most 4
// MB (list.go): a page of a list ends by bytes as well as by count. The connection of a client that
// sends or reads too slowly is cut (patience.go).
package httpapi
