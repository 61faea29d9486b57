package wire

import (
	"fmt"
	"strings"
	"time"
)

// Syncs is what a data source pulls from, and how that goes.
type Syncs struct {
	Spreadsheet    string     `json:"spreadsheet"` // its id
	SpreadsheetURL string     `json:"spreadsheet_url"`
	Every          string     `json:"every"`          // such as 6h, or never
	Next           *time.Time `json:"next,omitempty"` // when the next pull is due
	// how many pulls were due while another one ran, since that one began
	Skipped   int64  `json:"skipped"`
	ShareWith string `json:"share_with,omitempty"` // e-mail address to share the spreadsheet with; empty if the server does not know it
	// percentages of the stored rows of a dataset above which a pull waits for a yes: changed rows (of
	// pulls that a schedule begins) and removed ones
	MaxChanged int  `json:"max_changed"`
	MaxRemoved int  `json:"max_removed"`
	Latest     *Job `json:"latest,omitempty"` // the latest pull

	Connection *Connection `json:"connection,omitempty"` // if it pulls from a billing system, and from no spreadsheet
}

// SyncOptions say how to pull.
type SyncOptions struct {
	Plan bool `json:"plan,omitempty"` // write nothing until the plan is applied
	// Of a billing system: external id of the one customer that is pulled; empty: all.
	Customer string `json:"customer,omitempty"`
	// Of a billing system: map what the last pull has read anew, without reading anything.
	Reprocess bool  `json:"reprocess,omitempty"`
	Mail      *bool `json:"mail,omitempty"` // false: people are not told how it ends, or that it waits
}

// SyncChange is a change of [Syncs]. What is nil stays.
type SyncChange struct {
	Spreadsheet *string `json:"spreadsheet,omitempty"` // its address or id
	Every       *string `json:"every,omitempty"`       // such as 6h, or never
	MaxChanged  *int    `json:"max_changed,omitempty"`
	MaxRemoved  *int    `json:"max_removed,omitempty"`
}

// Never stands for no schedule.
const Never = "never"

// ParseEvery reads an interval such as 6h, 90m, 2d or never, which is 0.
func ParseEvery(text string) (time.Duration, error) {
	if text == Never {
		return 0, nil
	}
	days, inDays := strings.CutSuffix(text, "d")
	if inDays {
		text = days + "h"
	}
	d, err := time.ParseDuration(text)
	if inDays {
		d *= 24
	}
	if err == nil && d <= 0 {
		err = fmt.Errorf("an interval is longer than nothing: %s", text)
	}
	return d, err
}

// FormatEvery writes an interval as [ParseEvery] reads it.
func FormatEvery(d time.Duration) string {
	if d == 0 {
		return Never
	}
	text := d.String()
	text = strings.TrimSuffix(text, "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
