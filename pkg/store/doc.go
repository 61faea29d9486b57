// Package store says how everything is kept in one table: keys, ids, records, the directory of
// sources, and which of the stored records are visible. Package table is the engine below.
//
// keys.go is the only file that spells a key, hash.go the only one that makes an identity;
// docs/TABLE.md lists every pattern and who reads it.
package store
