// Package templatetest reads template.yaml, so that tests can compare it with the folders of
// functions/, with events/ and with the code.
package templatetest
