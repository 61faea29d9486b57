// Package system says what a billing system is to Reseed: something that a [Reader] reads page by page, and whose objects
// are mapped to records.
//
// A pull freezes pages of raw objects as the system has sent them, brings them together by customer with
// [System.BelongsTo], and maps each customer's objects with [System.Map]. Mapping is pure: the same objects in any
// order, and more than once, make the same records. So it can be repeated without the network.
//
// The rest of the package is what the mappings share: [Kept] keeps one version of each object, [Issues] collects what a
// person should know, and [Money] converts amounts exactly.
package system
