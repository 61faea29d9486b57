// Package objects stores files: uploads, runs, change sets, samples and rejects.
//
// Other packages use [Objects]. It checks keys and leaves the rest to a [Bucket]: a bucket of S3
// ([S3]), a folder ([Dir]) or memory ([Mem]). All of them keep the same promises:
//
//   - [Objects.Create] never replaces an object: of two writers one gets
//     fault.Conflict. The write-ahead of an import depends on that.
//   - [Objects.Open] reads a range of one exact version. If it is gone or was
//     replaced, the error is fault.NotFound with the code [CodeGone].
//   - An object of [Objects.Bring] keeps the version and the time that it had in
//     another store.
//   - [Objects.DeleteAll] removes everything below a prefix, on S3 with all versions.
//   - In a folder, an object is durable once Close has returned nil: file and folder
//     are synced. One process owns a folder: Create does not guard against others.
//
// Keys are relative slash-separated paths. They hold names that people chose, so no error text
// contains a key (I8).
package objects
