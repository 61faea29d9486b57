// Package objects keeps files: uploads, change sets, rejects, runs that spilled.
//
// [Objects] is what others use. It checks keys and leaves the rest to a [Bucket]: one of S3 ([S3]),
// a folder ([Dir]) or memory ([Mem]). All of them keep the same promises:
//
//   - [Objects.Create] never replaces an object: of two writers one gets
//     fault.Conflict. The write-ahead of an import rests on it.
//   - [Objects.Open] reads a range of one exact version. An object that is gone or
//     was replaced answers fault.NotFound with the code [CodeGone].
//   - [Objects.DeleteAll] removes everything below a prefix, on S3 with all versions.
//   - In a folder, an object that Close has reported is durable: file and folder
//     are synced. One process owns a folder; create-only holds within it.
//
// Keys are relative slash-separated paths. Keys hold names that people chose, so
// they are in no error text (I8).
package objects
