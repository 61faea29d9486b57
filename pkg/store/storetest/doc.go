// Package storetest is a test suite of what the schema needs of an engine. Every driver passes it,
// besides pkg/table/tabletest.
package storetest
