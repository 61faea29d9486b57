// Package api serves the whole REST API: ChartMogul's routes (package chartmogul), and Reseed's own
// for imports, erasures, jobs, edits and API keys, which are in this package. The shapes of their
// JSON are in package wire, their client in package client.
package api
