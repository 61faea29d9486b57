// Package trigger translates Lambda events into calls of Reseed's functions, and their answers
// back. It is the only package that knows Lambda events:
//
//   - [S3]: notifications of a bucket (at least once, unordered, form-encoded keys), also through
//     SQS or SNS
//   - [Queue]: messages of SQS, with partial batch failures
//   - [QueueOrInvoke]: messages of SQS, or one JSON object from a person or a script
//   - [HTTP]: requests of an HTTP API, payload format 2.0, for an http.Handler
//
// A schedule needs no translation: its handler takes only a context.
package trigger
