// Package fault sorts errors by what the caller can do about them.
//
// Every error that one package of Reseed returns to another is, or wraps, an [*Error]: it has a
// [Kind] for programs (which HTTP status, retry or not), a stable Code for people to look up, the
// Param that it is about, and a Message that may be shown as it is. Messages hold no secret and no
// personal value (I8).
//
// All other errors are [Internal], except that a context that ended is [Unavailable]: another try
// may succeed.
package fault
