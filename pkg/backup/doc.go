// Package backup makes, checks and opens backups of a data folder.
//
// A backup is a data folder itself: the table and the objects as they were at one moment, and a
// manifest, backup.json, that says how many of each there are and gives their digests. It is put
// together in the data folder out of links, moved to a temporary name beside its final one (copied,
// if that is on another file system), read from beginning to end, and given its name last. So
// nothing that has the name is half a backup.
//
// Credentials are left out: the file of the door, and the hash of an older version's API key. The
// hashes of API keys are items of the table. They are in the backup, and removed from it when it is
// opened.
package backup
