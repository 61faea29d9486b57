// Package fault sorts errors by what the caller can do about them.
//
// Every error that crosses a package border of Reseed is, or wraps, an [*Error]:
// a [Kind] for machines (the REST status, retry or not), a stable Code for
// people who look it up, the Param it is about, and a Message that may be shown
// as it is. Messages hold no secret and no personal value (I8).
//
// Errors that nobody sorted are [Internal]; a context that ended is
// [Unavailable], because trying again may well succeed.
package fault
