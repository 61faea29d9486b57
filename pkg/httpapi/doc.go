// Package httpapi serves routes over HTTP: packages chartmogul and api bring them, and share what
// is here. One request: authenticate → find the route → call its handler → answer. A handler gets a
// [Call] and returns a [Reply] or an error; errors.go alone turns errors into statuses and bodies.
//
// The size of a request's JSON is checked before it is decoded (shape.go). An answer has at most 4
// MB (list.go): a page of a list ends by bytes as well as by count. The connection of a client that
// sends or reads too slowly is cut (patience.go).
package httpapi
