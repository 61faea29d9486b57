// Package chargify reads a site of Chargify, which is Maxio Advanced Billing today, and maps what it has read to records.
//
// A reader follows Chargify's lists page by page, oldest objects first, up to what was created when the pull began. Objects are kept as
// Chargify has sent them, without payment methods, addresses of public pages, and the copies of invoices that events hold. [System.Map]
// makes records of what belongs to one customer, and [System.MapCatalog] makes plans. docs/systems/chargify.md says in tables where
// each field of a record comes from.
package chargify
