package wire

import "time"

// Session is a browser that is signed in. Its token is good instead of the API key that it was made
// with, as long as that key is.
type Session struct {
	Token   string    `json:"token"`
	Key     string    `json:"key"` // the name of the key
	Expires time.Time `json:"expires_at"`
}
