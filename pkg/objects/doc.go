// Package objects keeps files: uploads, change sets, rejects, runs that spilled.
//
// [Objects] is one type over gocloud.dev/blob: a bucket of S3 ([S3]), a folder
// ([Dir]) or memory ([Mem]). On top of a blob bucket it adds what Reseed needs:
//
//   - [Objects.Create] never replaces an object: of two writers one gets
//     fault.Conflict. The write-ahead of an import rests on it (architecture §4).
//   - [Objects.Open] reads a range of one exact version. An object that is gone or
//     was replaced answers fault.NotFound with the code [CodeGone].
//   - [Objects.DeleteAll] removes everything below a prefix, on S3 with all versions.
//   - In a folder, an object that Close has reported is durable: file and folder
//     are synced. One process owns a folder; create-only holds within it.
//
// Keys are relative slash-separated paths. Keys hold names that people chose, so
// they are in no error text (I8).
package objects
