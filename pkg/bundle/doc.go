// Package bundle makes input files of an import from the raw objects of a billing system.
//
// Raw objects are frozen in pages, by type. They are mapped customer by customer, and never all held in memory:
//
//	sort   pages → runs of what is read of objects, sorted by customer and split by its hash; and of what names its customer only through
//	       another object
//	join   objects that name another one ⨝ the owners of those, up to three times over
//	map    runs of a section, customer by customer → records, as NDJSON; and the catalog → plans
//
// A [Bundler] does one step at a time, and the caller keeps a [State] in between. Done again, a step writes the same
// objects with the same names, so a worker may die anywhere.
//
// Pages hold objects whole. Runs hold the fields that the mapping reads (system.System.Reads), as far as a system says which ones: a fifth of
// a Stripe account. A version that reads others has runs of its own, and begins anew.
//
// To map a customer, a bundler holds all its objects in memory: half a gigabyte for a Stripe customer of 100,000 invoices.
package bundle
