// Package wire has the JSON shapes of Reseed's own API, for the server and the client. It imports
// no other package of Reseed, so that stored shapes can change without them. Times are RFC 3339,
// and left out until they are known.
package wire
