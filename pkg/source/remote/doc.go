// Package remote makes the requests with which billing systems are read. It keeps the limits of
// the system, asks again when that may help, and says in one way what went wrong.
//
// A [Client] is for one account of one system; its goroutines share the limits. Requests only read, whatever their method is, so every
// one may be repeated. An answer is a JSON or XML document that arrived whole, or an [*Error]. No error holds
// a secret, a query, a body, or a text that the system wrote: those may hold personal data.
package remote
