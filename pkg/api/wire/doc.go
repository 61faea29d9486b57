// Package wire has the shapes of Reseed's own API, as JSON: what the server answers and the client
// reads. It imports nothing of Reseed, so stored shapes and these can change apart. Times are RFC
// 3339, and left out until they are known.
package wire
