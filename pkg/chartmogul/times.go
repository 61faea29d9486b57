package chartmogul

import (
	"time"
)

// stamp is a time as the import side writes it: 2016-01-01T12:00:00.000Z, null when unset (chartmogul-api §3).
type stamp time.Time

// MarshalJSON writes the time in UTC with milliseconds.
func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// opt is a text that is null when unset.
func opt(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
