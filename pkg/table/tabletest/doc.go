// Package tabletest is the contract of [table.Driver] as a test suite. Every
// engine passes it: DynamoDB's driver against a real engine, the embedded one,
// and the in-memory one, also while it throttles and leaves batches undone.
//
// The suite asks again for what a call left undone and when an engine is busy,
// as callers must. It never sleeps and sets no time limit.
package tabletest
