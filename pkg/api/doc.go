// Package api serves the whole REST API: ChartMogul's routes (package chartmogul) and Reseed's own
// beside them, which are here: imports, erasures, jobs, edits and API keys. Their JSON is in
// package wire, their client in package client.
package api
