// Package dynamo is the engine on DynamoDB.
//
// An item is stored as its two key attributes and one DynamoDB attribute for each of its own:
// String is S, Int is N, Bool is BOOL, Bytes is B, List is an L of S. So any tool can read the
// table. Reading an item puts the names in order again, which gives the same bytes that were
// written.
//
// Every read is strongly consistent; there is no scan. A range of sort keys is one BETWEEN: since
// keys are printable ASCII, the greatest key below a bound can be written down (see keyRange). The
// next page is asked for by a bound too, not by ExclusiveStartKey, which DynamoDB checks against
// the range.
//
// This package itself writes the requests of batches and reads the answers of batches and queries
// (see exchange). Addresses, signatures, retries and errors are left to the SDK.
//
// The SDK tries a call at most twice, and a single conditional write once: if the first try was
// applied and its answer lost, a second try would find its own work and fail with Conflict. All
// other retries are up to package table.
package dynamo
