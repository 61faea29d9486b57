// Package stripe reads a Stripe account, and maps what it has read to records.
//
// A [Reader] reads lists page by page. A [Cursor] says which page is next; it is small, plain JSON, and holds
// no secret. Objects are kept as Stripe has sent them: a later version of Reseed may map fields that this
// one does not read. [Map] makes records of what belongs to one customer, and [MapCatalog] makes plans. Both
// are pure: the same objects in any order make the same records. docs/systems/stripe.md says in
// tables where each field of a record comes from.
//
// Everything is written against one version of Stripe's API, [Version], which each request names.
package stripe
