package wire

import "time"

// Key is an API key.
type Key struct {
	Name      string     `json:"name"`
	Setting   bool       `json:"setting"` // it comes from the settings, not from the table
	Yours     bool       `json:"yours"`   // the request came with this key
	CreatedAt *time.Time `json:"created_at,omitempty"`
	CreatedBy string     `json:"created_by,omitempty"`
	Key       string     `json:"key,omitempty"` // the key itself, only in the answer that makes it
}

// Keys are all API keys.
type Keys struct {
	Keys []Key `json:"keys"`
}

// NewKey asks for an API key.
type NewKey struct {
	Name string `json:"name"`
}

// RemovedKey is the answer to the removal of an API key.
type RemovedKey struct {
	Removed string `json:"removed"` // its name
	Left    int    `json:"left"`    // how many keys are still accepted, with those from settings
}
