package wire

import "time"

// Overview is all data sources, with what people look for first.
type Overview struct {
	Sources []SourceOverview `json:"data_sources"`
	// open jobs that concern several sources
	Several []Job `json:"several,omitempty"`
	// erases of whole sources, of their content, or of manual customers, that can be restored
	Restorable []Job `json:"restorable,omitempty"`
	// e-mail address to share spreadsheets with; empty if the server does not know it
	ShareWith string `json:"share_with,omitempty"`
}

// SourceOverview is a data source with what its jobs have done. Its jobs have no totals, and at most
// three reasons of rejects with one row each.
type SourceOverview struct {
	UUID      string           `json:"uuid"`
	Name      string           `json:"name"`
	System    string           `json:"system"`
	CreatedAt time.Time        `json:"created_at"`
	Rows      map[string]int64 `json:"rows"`              // by dataset, as its jobs have counted them; what requests added or deleted is not in it
	Unknown   []string         `json:"unknown,omitempty"` // datasets whose rows its jobs have not counted from the beginning
	Latest    *Job             `json:"latest,omitempty"`  // the import or undo that ended last
	Plan      *Job             `json:"plan,omitempty"`    // the latest import that waits to be applied
	Running   *Job             `json:"running,omitempty"`
	Waiting   int              `json:"waiting"`        // jobs that wait for their turn
	Sync      *SourceSync      `json:"sync,omitempty"` // if it pulls from a spreadsheet or a billing system
}

// SourceSync is what a data source pulls from.
type SourceSync struct {
	SpreadsheetURL string     `json:"spreadsheet_url"`        // empty if it pulls from a billing system
	Every          string     `json:"every"`                  // such as 6h, or never
	Next           *time.Time `json:"next,omitempty"`         // when the next pull is due
	System         string     `json:"system,omitempty"`       // the billing system
	Account        *Account   `json:"account,omitempty"`      // of the billing system
	Refused        string     `json:"refused,omitempty"`      // why the billing system refuses the credentials, as a sentence
	Disconnected   bool       `json:"disconnected,omitempty"` // the credentials were taken away; Refused says so, too
}
