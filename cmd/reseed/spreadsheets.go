package main

import (
	"os"

	"reseed/pkg/config"
	"reseed/pkg/fault"
	"reseed/pkg/source/sheets"
	"reseed/pkg/source/sheets/google"
)

// reader makes the reader of spreadsheets. Without a key that it can use, only pulls fail, and say why:
// the variable may be there for other programs.
func reader(c config.Config) sheets.Reader {
	if c.GoogleKey == "" {
		return sheets.Missing{Err: fault.New(fault.Invalid, "no_google_key",
			"This process has no key of a Google service account: set GOOGLE_APPLICATION_CREDENTIALS to the file with the key, and start it again.")}
	}
	key, err := os.ReadFile(c.GoogleKey)
	if err != nil {
		return sheets.Missing{Err: fault.New(fault.Invalid, "no_google_key",
			"The file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read. Check its path and its permissions, and start again.")}
	}
	r, err := google.New(google.Config{Key: key, Endpoint: c.GoogleEndpoint})
	if err != nil {
		return sheets.Missing{Err: err}
	}
	return r
}
