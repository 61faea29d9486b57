// Package store is the schema: how everything is kept in one table, as keys, ids, records and the
// directory of sources, and which stored records are visible. Package table is the engine below it.
//
// Only keys.go spells keys, and only hash.go makes identities. docs/TABLE.md lists every pattern of
// keys and its readers.
package store
