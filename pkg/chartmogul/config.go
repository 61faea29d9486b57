package chartmogul

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"log/slog"
	"time"

	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// Limits of request bodies, in bytes.
const (
	MaxBody          = 5 << 20 // of JSON requests
	DefaultMaxUpload = 5 << 30 // of one import's files together: one S3 object
)

// Config is what the API needs. Everything but PublicURL, Currency
// and MaxUpload must be set.
type Config struct {
	Store   *store.Store
	Keys    [][sha256.Size]byte // [HashKey] of each accepted API key; the keys themselves are known to nobody
	Edits   *edit.Edit
	Jobs    *job.Ledger
	Imports Imports
	Erase   Erase
	Now     func() time.Time
	Log     *slog.Logger

	PublicURL string // where people open the console, without a slash at the end
	Currency  string // of the account, ISO 4217; USD if empty
	MaxUpload int64  // bytes; DefaultMaxUpload if 0
}

// Imports is how files become jobs.
type Imports struct {
	// Keep stores one uploaded file, read to its end, and says where it lies.
	Keep func(ctx context.Context, source store.Source, name string, body io.Reader) (job.File, error)
	// Submit makes the job that imports the files into the source.
	Submit func(ctx context.Context, sourceUUID string, files []job.File) (*job.Job, error)
	// Rejects opens the CSV file of the rows that a job did not take in.
	Rejects func(ctx context.Context, jobID string) (io.ReadCloser, error)
}

// Erase is how selections are erased.
type Erase struct {
	// Plan counts what a selection holds, without touching it.
	Plan func(context.Context, eraser.Selection) (*eraser.Plan, error)
	// Start makes a selection invisible and gets its sweep going.
	Start func(context.Context, eraser.Selection) (*job.Job, error)
}

// HashKey is the hash under which an API key is configured.
func HashKey(key string) [sha256.Size]byte { return sha256.Sum256([]byte(key)) }

// known compares in constant time, and with every key, so that the time of an
// answer tells nothing about the keys.
func (c *Config) known(key string) bool {
	given := HashKey(key)
	match := 0
	for i := range c.Keys {
		match |= subtle.ConstantTimeCompare(given[:], c.Keys[i][:])
	}
	return match == 1
}
