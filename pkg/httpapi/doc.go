// Package httpapi is what the rooms of the REST API share: it serves their routes. One request:
// authenticate → find the route → call its handler → answer. A handler gets a [Call] and returns a
// [Reply] or an error; errors.go alone turns errors into statuses and bodies.
//
// What a request brings is counted before anything is made of it (shape.go), and an answer has 4 MB
// at most (list.go): lists end a page by bytes as well as by count. A client that does not get on
// is cut off (patience.go).
package httpapi
