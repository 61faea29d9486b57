// Package tabletest is the contract of [table.Driver] as a test suite. Every driver passes it:
// DynamoDB's (against dynoxide), the embedded one, and the one in memory, also while it throttles
// and leaves batches undone.
//
// As callers must, the suite repeats a call that is busy and sends again what a call left undone.
// It never sleeps and sets no time limit.
package tabletest
