package wire

import "time"

// Selections of an erase.
const (
	SelectSource           = "source"
	SelectContent          = "content"
	SelectDependent        = "dependent"
	SelectManualCustomers  = "manual-customers"
	SelectCustomer         = "customer"
	SelectCustomerInvoices = "customer-invoices"
	SelectInvoice          = "invoice"
	SelectImport           = "import"
)

// RestoreOptions say how to bring back what an erase has hidden.
type RestoreOptions struct {
	Mail *bool `json:"mail,omitempty"` // false: people are not told of it
}

// Erasure asks for an erase.
type Erasure struct {
	Selection string `json:"selection"`
	ID        string `json:"id,omitempty"`     // public id, or the import's job
	Source    string `json:"source,omitempty"` // name or uuid
	// of a customer, with Source instead of ID: then its record need not exist
	ExternalID string `json:"external_id,omitempty"`
	Grace      string `json:"grace,omitempty"` // a duration such as 72h
	KeepEdits  *bool  `json:"keep_edits,omitempty"`
	Forget     bool   `json:"forget,omitempty"`
	Confirm    *int64 `json:"confirm,omitempty"` // refuse the erase unless the selection has so many items
	Plan       string `json:"plan,omitempty"`    // the id of a plan: refuse the erase if it would do anything else
	Reason     string `json:"reason,omitempty"`  // why, in words for the receipt
	DryRun     bool   `json:"dry_run,omitempty"` // only make a plan
	Mail       *bool  `json:"mail,omitempty"`    // false: people are not told when it is done
}

// Items counts items by kind.
type Items map[string]int64

// Total is the number of items.
func (m Items) Total() (n int64) {
	for _, k := range m {
		n += k
	}
	return n
}

// ErasePlan says what an erase would remove. Its counts are exact for the moment of the request.
type ErasePlan struct {
	Selection  string   `json:"selection"`
	Source     string   `json:"source,omitempty"`
	SourceName string   `json:"source_name,omitempty"`
	Records    []string `json:"records,omitempty"` // public ids
	Import     string   `json:"import,omitempty"`  // the job whose added rows go
	KeepEdits  bool     `json:"keep_edits"`
	Grace      float64  `json:"grace_seconds"`
	Removes    Items    `json:"counts"`      // records and edits
	Pointers   Items    `json:"pointers"`    // to these records and edits
	Survives   []string `json:"survives"`    // what stays, in sentences
	Notes      []string `json:"notes"`       // what goes, too
	WriteUnits float64  `json:"write_units"` // an estimate for the removal
	Dollars    float64  `json:"dollars"`     // their price on DynamoDB on demand
	PricesOf   string   `json:"prices_of"`
	Seconds    float64  `json:"seconds"` // an estimate of how long the removal takes
	// for each source concerned; of a customer it is one
	Exports []Exported `json:"exports"`
	ID      string     `json:"id"` // to be confirmed by an [Erasure] that asks for the same, within a day
}

// Exported is what is known of the latest export of what an erase removes. Whether somebody has kept
// its file is not known.
type Exported struct {
	Source     string    `json:"source"`
	SourceName string    `json:"source_name"`
	Job        string    `json:"job,omitempty"` // empty if there is none since the last change by a job
	At         time.Time `json:"at,omitzero"`   // when it began to read
	Changed    int64     `json:"changed"`       // items that go, and were added or changed over REST or by hand since
	Fresh      bool      `json:"fresh"`         // there is an export, and nothing of what goes has changed since
	NoEdits    bool      `json:"without_edits"` // it does not hold what people did by hand, some of which goes
	Says       string    `json:"says"`          // all this in a sentence
}

// Total is the number of items that go.
func (p *ErasePlan) Total() int64 { return p.Removes.Total() + p.Pointers.Total() }

// StalePlan is the answer to an erase that confirms a plan, but would not do what that says. Nothing
// was erased.
type StalePlan struct {
	Code    int        `json:"code"` // 409
	Message string     `json:"message"`
	Param   string     `json:"param"` // plan
	Plan    *ErasePlan `json:"plan"`  // what the erase would do now
}

// Receipt is the proof of an erase. It holds no personal data, unless its reason does.
type Receipt struct {
	Job        string    `json:"job"`
	Selection  string    `json:"selection"`
	Source     string    `json:"source,omitempty"`
	SourceName string    `json:"source_name,omitempty"`
	Records    []string  `json:"records,omitempty"` // public ids
	Import     string    `json:"import,omitempty"`  // the job whose added rows went
	AskedBy    string    `json:"asked_by"`
	Reason     string    `json:"reason,omitempty"` // in the words of who asked
	AskedAt    time.Time `json:"asked_at"`         // invisible from then on
	Grace      time.Time `json:"restorable_until,omitzero"`
	KeptEdits  bool      `json:"kept_edits"`
	Forgotten  int       `json:"forgotten,omitempty"` // customers on the do-not-reload list
	Removed    Items     `json:"removed"`
	Total      int64     `json:"total"`                   // items
	KeyDigest  string    `json:"key_digest"`              // hex
	Imports    int       `json:"imports_cleared"`         // imports whose uploads, change sets and rejects are gone
	Files      Items     `json:"files_cleared,omitempty"` // files deleted, by kind
	VerifiedAt time.Time `json:"verified_at"`             // every partition was read and nothing found
	Seconds    float64   `json:"seconds"`                 // from the beginning of the removal to its end
	WriteUnits float64   `json:"write_units"`
	ReadUnits  float64   `json:"read_units"`
	Dollars    float64   `json:"dollars"` // on DynamoDB on demand
	PricesOf   string    `json:"prices_of"`
	Survives   []string  `json:"survives"` // what was not erased, in sentences
	Residue    []Remains `json:"residue"`
}

// Remains is a place where a copy may live on.
type Remains struct {
	What  string    `json:"what"`
	Until time.Time `json:"until,omitzero"`
	Note  string    `json:"note"`
}

// ReceiptPage is a page of receipts, newest first.
type ReceiptPage struct {
	Receipts []Receipt `json:"receipts"`
	Cursor   *string   `json:"cursor"` // of the next page
	HasMore  bool      `json:"has_more"`
}
