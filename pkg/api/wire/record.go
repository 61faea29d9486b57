package wire

import "time"

// Record is one stored record, as people see it.
type Record struct {
	ID        string        `json:"id,omitempty"` // public id; subscription events have none
	Dataset   string        `json:"dataset"`
	Source    string        `json:"data_source"` // uuid
	Fields    []RecordField `json:"fields"`      // those that are given, or were before they were edited
	AddedAt   time.Time     `json:"added_at"`
	ChangedAt time.Time     `json:"changed_at"`      // by an import or over the API; edits have times of their own
	Edits     []Edit        `json:"edits,omitempty"` // one for each kind of edit

	// of an invoice: the sum of its line items, but for those that a person has deleted; of an event: its
	// amount
	Sum *Money `json:"sum,omitempty"`
	// the line items and transactions of an invoice
	Parts       []Record `json:"parts,omitempty"`
	MissedParts int      `json:"missed_parts,omitempty"` // how many there are beyond those
}

// Field is the field of that name; the zero RecordField if it is not given.
func (r Record) Field(name string) RecordField {
	for _, f := range r.Fields {
		if f.Name == name {
			return f
		}
	}
	return RecordField{}
}

// RecordField is a field of a record: its name and value are those of docs/FORMATS.md, so amounts are
// in minor units. Times are RFC 3339, in UTC.
type RecordField struct {
	Name  string     `json:"name"`
	Is    string     `json:"is"` // text, note, id, email, country, currency, word, time, cents, integer, truth or attributes
	Value string     `json:"value"`
	Money *Money     `json:"money,omitempty"` // of an amount whose currency is known
	Edit  *FieldEdit `json:"edit,omitempty"`  // nil if the field is as it was imported
}

// FieldEdit is what a person has done to a field.
type FieldEdit struct {
	Name          string `json:"name"`     // of the field, for the request that reverts the edit
	Imported      string `json:"imported"` // the value as it was imported
	ImportedMoney *Money `json:"imported_money,omitempty"`
	Mark
}

// Money is an amount of a currency.
type Money struct {
	Minor    int64  `json:"minor"` // in minor units
	Currency string `json:"currency"`
	Decimals int    `json:"decimals"` // of the currency: an amount in units is Minor / 10^Decimals
}

// TimelineEntry is an invoice or a subscription event of a customer.
type TimelineEntry struct {
	At       time.Time `json:"at"`       // date of the invoice or event
	Customer string    `json:"customer"` // id of the source customer that it belongs to
	Record   `json:"record"`
}

// Timeline is a page of what happened to a customer, newest first.
type Timeline struct {
	Customer string          `json:"customer"` // as which people see it
	Entries  []TimelineEntry `json:"entries"`
	Cursor   *string         `json:"cursor"` // of the next page
	HasMore  bool            `json:"has_more"`
}

// Members are the source customers that people see as one customer.
type Members struct {
	Customer string   `json:"customer"` // id of the one that the others are merged into, which comes first
	Members  []Member `json:"members"`
	Cursor   *string  `json:"cursor"` // of the next page
	HasMore  bool     `json:"has_more"`
}

// Member is a source customer.
type Member struct {
	Record         `json:"record"`
	ExternalID     string   `json:"external_id"`
	SourceName     string   `json:"source_name"`
	System         string   `json:"system"`
	Manual         bool     `json:"manual"`                // an erase of the manual customers removes it
	MergedInto     string   `json:"merged_into,omitempty"` // id of another member
	Merged         *Mark    `json:"merged,omitempty"`
	Contacts       []Record `json:"contacts,omitempty"`
	MissedContacts bool     `json:"missed_contacts,omitempty"` // there are more
}

// Origin says which jobs have brought a record. A job that is not there any more, or was none but a
// request, is empty.
type Origin struct {
	ID        string    `json:"id"`
	AddedAt   time.Time `json:"added_at"`
	AddedBy   string    `json:"added_by,omitempty"`
	ChangedAt time.Time `json:"changed_at"`
	ChangedBy string    `json:"changed_by,omitempty"` // AddedBy, if no job has changed it since
	File      string    `json:"file,omitempty"`       // where it is in the input of ChangedBy
	Line      int64     `json:"line,omitempty"`
	Place     string    `json:"place,omitempty"` // in a spreadsheet, such as Customers!A17
	Says      string    `json:"says"`            // all this in a sentence, and why something is not known
}
