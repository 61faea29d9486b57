// Package simtable puts ceilings on an engine, for tests: a token bucket for every partition key
// and one for the whole table, in write units, as DynamoDB has them. Writes above a ceiling come
// back undone, a random part of the batch, or as fault.Busy if it is all of the batch. Calls also
// take time, fail and lose their answers. Only writes have ceilings.
//
// Several [table.Table] on one [Table] stand for several processes.
package simtable
