// Package trigger translates what starts a Lambda function into calls of ours,
// and our answers back. It is the only package that knows Lambda events:
//
//   - [S3]: notifications of a bucket (at least once, unordered, form-encoded keys)
//   - [Queue]: messages of SQS, with partial batch failures
//   - [QueueOrInvoke]: the same, or one JSON document of a person or a script
//   - [HTTP]: requests of an HTTP API, payload format 2.0, for an http.Handler
//
// A schedule needs no translation: its handler takes a context alone.
package trigger
