// Package bundle makes input files of an import from the raw objects of a billing system.
//
// Raw objects are frozen in pages, by type. They are mapped customer by customer, and never all held in memory:
//
//	sort   pages → runs of objects, sorted by customer and split by its hash; and of what names its customer only through
//	       another object
//	join   objects that name another one ⨝ the owners of those, up to three times over
//	map    runs of a section, customer by customer → records, as NDJSON; and the catalog → plans
//
// A [Bundler] does one step at a time, and the caller keeps a [State] in between. Done again, a step writes the same
// objects with the same names, so a worker may die anywhere.
//
// One customer's objects are in memory together: those of 100,000 invoices take about a gigabyte.
package bundle
