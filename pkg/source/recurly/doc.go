// Package recurly reads a Recurly site, and maps what it has read to records.
//
// A reader follows Recurly's lists page by page, oldest objects first, up to what was created when the pull began. Objects are kept
// as Recurly has sent them, without the token with which a customer's own pages can be opened. [System.Map] makes records of what
// belongs to one account, and [System.MapCatalog] makes plans. docs/systems/recurly.md says in tables where each field of a
// record comes from.
//
// Everything is written against one version of Recurly's API, [Version], which each request names.
package recurly
