// Package templatetest reads template.yaml, so that tests can hold it against the
// folders, the events and the code.
package templatetest
