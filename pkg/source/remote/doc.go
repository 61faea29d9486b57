// Package remote makes the GET requests with which billing systems are read. It keeps the limits of
// the system, asks again when that may help, and says in one way what went wrong.
//
// A [Client] is for one account of one system; its goroutines share the limits. Only GETs are made, so every
// request may be repeated. An answer is a JSON document that arrived whole, or an [*Error]. No error holds
// a secret, a query, or a text that the system wrote: those may hold personal data.
package remote
