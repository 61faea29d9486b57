// Package credentials keeps what billing systems ask for, apart from the data: in no table, job,
// object, log, backup, move or export.
//
// On one machine a [Folder] keeps them. On AWS they are in Secrets Manager (pkg/cloud). Package
// credentialstest says what both have in common.
package credentials
