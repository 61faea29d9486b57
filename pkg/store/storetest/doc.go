// Package storetest is what the schema needs of an engine, as a test suite that every driver passes
// besides the one of pkg/table/tabletest.
package storetest
