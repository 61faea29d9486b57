// Package simtable is a table with ceilings, for tests: an engine behind token
// buckets for every partition key and for the whole table, in write units, as
// DynamoDB has them. What is above a ceiling comes back undone, a random part
// of a batch, or as fault.Busy when it is all. It also takes its time, fails,
// and loses answers.
//
// Several Stores on one Table are several processes. Only writes have ceilings.
package simtable
