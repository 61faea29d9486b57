package wire

import "time"

// Key is an API key.
type Key struct {
	Name      string     `json:"name"`
	Setting   bool       `json:"setting"` // it comes from the settings, not from the table
	Yours     bool       `json:"yours"`   // the request came with it
	CreatedAt *time.Time `json:"created_at,omitempty"`
	CreatedBy string     `json:"created_by,omitempty"`
	Key       string     `json:"key,omitempty"` // its text, in the one answer that makes it
}

// Keys are all API keys.
type Keys struct {
	Keys []Key `json:"keys"`
}

// NewKey asks for an API key.
type NewKey struct {
	Name string `json:"name"`
}

// RemovedKey is an API key that lets nobody in any more.
type RemovedKey struct {
	Removed string `json:"removed"`
	Left    int    `json:"left"` // how many keys let in still, those of settings included
}
