// Package dynamo is the engine on DynamoDB.
//
// An item is the two key attributes and one DynamoDB attribute for each of its
// own: String S, Int N, Bool BOOL, Bytes B, List an L of S. So the table can be
// read with any tool. Reading puts the names in order again, which gives back
// the same bytes that were written.
//
// Every read is strongly consistent, nothing scans. A range of sort keys is
// one BETWEEN: since keys are printable ASCII, the greatest key below a bound
// has a spelling (see keyRange), and a page goes on by a bound, not by a start
// key that DynamoDB would check against it.
//
// The bodies of batches and the answers of reads are read and written by us
// (see exchange); addresses, signatures, retries and errors are the SDK's.
//
// The SDK tries a call twice at most, a single conditional write once: a second
// try of one that was applied unnoticed would meet its own work and answer
// Conflict. Retrying is the business of the layer above.
package dynamo
