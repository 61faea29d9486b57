// Package testdata has the files of the sample company, for the console: there they are data to look
// around with.
package testdata

import "embed"

// Company has the sample company in its folder company, a CSV file for each dataset.
//
//go:embed company/*.csv
var Company embed.FS
