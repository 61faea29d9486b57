package wire

import "time"

// Kinds of job.
const (
	Import = "import"
	Erase  = "erase"
	Export = "export"
)

// Status is where a job stands.
type Status string

// The states of a job.
const (
	Waiting   Status = "waiting" // another job has its source
	Running   Status = "running"
	Planned   Status = "planned" // an import that waits for a person to apply it
	Done      Status = "done"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
	Grace     Status = "grace"    // an erase that can be restored; it starts to remove when the period is over
	Restored  Status = "restored" // an erase that was restored in time
)

// Ended reports whether a job has ended or waits for a person.
func (s Status) Ended() bool { return s != Waiting && s != Running && s != Grace }

// WithRejects is the state of done imports that have rejected rows, in filters of jobs.
const WithRejects = "rejects"

// Outdated is the error code of a plan that was applied, but wrote nothing, since what it rests on had
// changed.
const Outdated = "plan_outdated"

// JobStates are the states by which jobs can be filtered.
func JobStates() []string {
	var all []string
	for _, s := range []Status{Waiting, Running, Planned, Done, Failed, Cancelled, Grace, Restored} {
		all = append(all, string(s))
	}
	return append(all, WithRejects)
}

// JobFilter says which jobs a list is of. What is empty allows all.
type JobFilter struct {
	State  string // a Status, or WithRejects
	Kind   string // Import, Erase or Export
	Source string // uuid
}

// Modes of an import.
const (
	Upsert  = "upsert"  // adds and changes rows
	Replace = "replace" // also removes the rows of its datasets that the input lacks
)

// DefaultMaxRemoved is the percentage of a dataset's rows above which a removal waits for a yes,
// unless the import names another.
const DefaultMaxRemoved = 20

// ImportOptions say how files are imported. The server has defaults for zero values.
type ImportOptions struct {
	Dataset    string // of all files; if empty, it is found from header rows and lines
	Mode       string // Upsert or Replace
	Plan       bool   // write nothing until the plan is applied
	MaxRemoved *int   // percent of a dataset's rows above which a removal waits for a yes
	AllowEmpty bool   // with Replace, let files without rows remove everything
	Remember   bool   // keep Settings for the datasets of the files, once the import is done
	Mail       *bool  // false: people are not told how it ends
	Settings   Settings
}

// Job is an import, an erase or an export.
type Job struct {
	ID         string            `json:"id"` // ids sort by time
	Kind       string            `json:"kind"`
	Status     Status            `json:"status"`
	Source     string            `json:"source,omitempty"` // uuid; empty if the job is about every source
	SourceName string            `json:"source_name,omitempty"`
	CreatedAt  time.Time         `json:"created_at"`
	StartedAt  time.Time         `json:"started_at,omitzero"`
	EndedAt    time.Time         `json:"ended_at,omitzero"`
	Import     *ImportJob        `json:"import,omitempty"`
	Erase      *EraseJob         `json:"erase,omitempty"`
	Export     *ExportJob        `json:"export,omitempty"`
	Stage      string            `json:"stage,omitempty"` // what it does now, e.g. "3 apply"
	State      string            `json:"state,omitempty"` // Status and more in words, such as cancelling (docs/ARCHITECTURE.md)
	Signs      *Signs            `json:"signs,omitempty"` // of a job that waits for its turn, or runs
	Progress   Progress          `json:"progress"`
	Datasets   map[string]Counts `json:"datasets,omitempty"` // final once it has ended
	Totals     []Total           `json:"totals,omitempty"`   // like Datasets
	Decimals   map[string]int    `json:"decimals,omitempty"` // of the currencies of Totals: an amount of 123 is 1.23 with 2
	Rejects    int64             `json:"rejects"`
	Reasons    []Reason          `json:"reasons,omitempty"` // why rows were rejected; those to see to first come first
	Cost       Cost              `json:"cost"`
	Notes      []string          `json:"notes,omitempty"`
	Error      string            `json:"error,omitempty"`
	ErrorCode  string            `json:"error_code,omitempty"` // of Error: never changes; [Outdated] is one
	Quiet      bool              `json:"quiet,omitempty"`      // people are not told of it
	Messages   []Message         `json:"messages,omitempty"`   // that people got or are to get of it; not in lists
}

// Signs are signs of life of a job.
type Signs struct {
	Before  string    `json:"before,omitempty"`  // of a waiting job: the job that has its source
	SeenAt  time.Time `json:"seen_at,omitzero"`  // of a running job: when a worker last stored something of its present work
	Stalled bool      `json:"stalled,omitempty"` // that is longer ago than a living worker takes
	Begun   int       `json:"begun,omitempty"`   // by how many workers the present work was begun: more than 1 after a worker was lost
}

// Message is what people are told of a job once.
type Message struct {
	About string              `json:"about"` // ended or waiting
	Ways  map[string]Delivery `json:"ways"`  // by mail and webhook, once it was looked at
}

// Delivery is how far a message has come on one way.
type Delivery struct {
	Tries  int       `json:"tries"`
	Result string    `json:"result,omitempty"` // sent, given up, unset or overtaken; empty while it goes on
	At     time.Time `json:"at,omitzero"`      // of the result
	Next   time.Time `json:"next,omitzero"`    // when the next try may begin
	Why    string    `json:"why,omitempty"`    // the last try failed
}

// UndoOptions say how to take an import back.
type UndoOptions struct {
	Plan bool  `json:"plan,omitempty"` // write nothing until the plan is applied
	Mail *bool `json:"mail,omitempty"` // false: people are not told how it ends, or that it waits
}

// ImportJob is the part of a job that only imports have.
type ImportJob struct {
	Mode     string    `json:"mode"`
	Origin   string    `json:"origin,omitempty"` // file, pull or api
	By       string    `json:"by,omitempty"`     // who asked for it
	Plan     bool      `json:"plan"`
	Files    []File    `json:"files"`
	Confirm  string    `json:"confirm,omitempty"` // why a planned import waits for a yes
	Estimate *Estimate `json:"estimate,omitempty"`
	// of a replace: the first plans that the input lacks, and that stay because stored records use them
	UsedPlans []PlanUse `json:"used_plans,omitempty"`
	Undo      string    `json:"undo,omitempty"`      // the job that this one undoes
	UndoneBy  string    `json:"undone_by,omitempty"` // the job that undid this one
	Corrects  string    `json:"corrects,omitempty"`  // the job whose rejected rows this one has corrected

	// of a plan or a pull: in how many changed rows each field changes, by dataset and field
	Fields map[string]map[string]int64 `json:"fields,omitempty"`

	Pull *Pull `json:"pull,omitempty"` // of a billing system

	FilesErased bool `json:"files_erased,omitempty"` // an erase removed its files, so it can't be undone any more
}

// Pull is what an import pulls from a billing system.
type Pull struct {
	System    string `json:"system"`              // such as Stripe
	Account   string `json:"account"`             // its name, or its id
	Customer  string `json:"customer,omitempty"`  // external id of the one customer that is pulled; empty: all
	Reprocess string `json:"reprocess,omitempty"` // the pull whose data is mapped anew; nothing is read
}

// PlanUse says how many stored records use a plan.
type PlanUse struct {
	Plan     string `json:"plan,omitempty"` // external id
	Invoices int64  `json:"invoices,omitempty"`
	Events   int64  `json:"events,omitempty"` // of subscriptions
}

// File is one input file.
type File struct {
	Name    string `json:"name"` // as the person named it
	Dataset string `json:"dataset,omitempty"`
	Size    int64  `json:"size"` // bytes

	Datasets []string  `json:"datasets,omitempty"` // of NDJSON
	Settings *Settings `json:"settings,omitempty"` // how the table is read, if not as usual
	Rejects  int64     `json:"rejects,omitempty"`  // rows that were rejected
	LeftOut  int64     `json:"left_out,omitempty"` // rows that are not read, since another file has them corrected
}

// Reason is one reason for which rows were rejected.
type Reason struct {
	Dataset string     `json:"dataset,omitempty"`
	Column  string     `json:"column,omitempty"` // the column or field at fault; empty if it is not a single one
	Code    string     `json:"code,omitempty"`   // empty for all reasons together that are not listed
	Count   int64      `json:"count"`            // rows
	First   []Rejected `json:"first"`            // the first rows, in the order of the input
}

// Rejected is one row that was rejected.
type Rejected struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Place  string `json:"place,omitempty"` // of a row of a spreadsheet, such as Invoices!D17
	Link   string `json:"link,omitempty"`  // of a row in Google Sheets: opens the cell
	Reason string `json:"reason"`          // a sentence
}

// EraseJob is the part of a job that only erases have. Once the job has ended, Removed is final,
// and there is a receipt.
type EraseJob struct {
	Selection string    `json:"selection"`
	IDs       []string  `json:"ids,omitempty"` // of the records, if the selection is single records
	KeepEdits bool      `json:"keep_edits"`
	By        string    `json:"by,omitempty"`
	Reason    string    `json:"reason,omitempty"` // in the words of who asked
	Until     time.Time `json:"until,omitzero"`   // while it can be restored
	Removed   Items     `json:"removed,omitempty"`
}

// Formats of exports.
const (
	CSV    = "csv"
	NDJSON = "ndjson"
	JSON   = "json" // of all that is known of one customer
)

// What an export does with edits.
const (
	EditsApart    = "apart"     // rows are as they were imported, and edits are a file of their own
	NoEdits       = "none"      // rows are as they were imported
	EditsLaidOver = "laid-over" // fields are as people have changed them, without rows that they have deleted
)

// ExportOptions say what an export writes. The server has defaults for zero values.
type ExportOptions struct {
	Format    string   `json:"format,omitempty"`    // CSV or NDJSON
	Datasets  []string `json:"datasets,omitempty"`  // all, if there are none
	Edits     string   `json:"edits,omitempty"`     // EditsApart, EditsLaidOver or NoEdits
	Sheet     bool     `json:"sheet,omitempty"`     // of CSV: for spreadsheets, not to be imported
	Delimiter string   `json:"delimiter,omitempty"` // of a sheet: , ; | or a tab
}

// CustomerExport asks for an export of all that is known of one customer. It is named by its id, or by
// its data source and external id: then there need not be a record of it.
type CustomerExport struct {
	Customer   string `json:"customer,omitempty"`
	Source     string `json:"source,omitempty"` // name or uuid
	ExternalID string `json:"external_id,omitempty"`
}

// ExportJob is the part of a job that only exports have. Rows, Changed and Size are there once it is
// done.
type ExportJob struct {
	Format    string           `json:"format"`
	Sheet     bool             `json:"sheet,omitempty"`
	Delimiter string           `json:"delimiter,omitempty"`
	Datasets  []string         `json:"datasets"`
	Edits     string           `json:"edits,omitempty"`     // EditsApart or EditsLaidOver; empty if there are none in it
	By        string           `json:"by,omitempty"`        // who asked for it
	Customer  string           `json:"customer,omitempty"`  // public id; then it is of all that is known of one customer
	Rows      map[string]int64 `json:"rows,omitempty"`      // by dataset, without zeros
	Changed   int64            `json:"changed,omitempty"`   // rows that were added or changed since it began
	Size      int64            `json:"size"`                // of its file, in bytes; 0 if there is none
	Deleted   bool             `json:"deleted,omitempty"`   // the file is gone
	KeptUntil time.Time        `json:"kept_until,omitzero"` // when the file is deleted, if nobody does it before
}

// Progress is how far a job has come.
type Progress struct {
	BytesDone  int64 `json:"bytes_done"` // of the input
	BytesTotal int64 `json:"bytes_total"`
	RowsDone   int64 `json:"rows_done"`  // read so far
	ItemsDone  int64 `json:"items_done"` // changes made so far, or items erased
	ItemsTotal int64 `json:"items_total,omitempty"`
	// of a pull of a billing system, as long as it reads: its kinds of objects, in the order in which they are read
	Streams []Stream `json:"streams,omitempty"`
	// of a pull that waits, since what it reads does not answer: why, as a sentence
	Waits string `json:"waits,omitempty"`
	// Of a running job:
	Fraction    float64 `json:"fraction,omitempty"`        // 0 to 1, of all its work
	RowsASecond float64 `json:"rows_per_second,omitempty"` // since it started
	SecondsLeft float64 `json:"seconds_left,omitempty"`    // an estimate from the work so far
}

// Stream is how far the objects of one kind are read from a billing system.
type Stream struct {
	Name  string `json:"name"` // as the system calls them
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"` // 0: the system does not say
}

// Counts says what became of the rows of one dataset:
// Read = Added + Changed + Unchanged + Rejected. Removed are stored rows that the input lacks.
type Counts struct {
	Read      int64 `json:"read"`
	Added     int64 `json:"added"`
	Changed   int64 `json:"changed"`
	Unchanged int64 `json:"unchanged"`
	Removed   int64 `json:"removed"`
	Rejected  int64 `json:"rejected"`
}

// Add is the sum of both.
func (c Counts) Add(d Counts) Counts {
	return Counts{
		c.Read + d.Read, c.Added + d.Added, c.Changed + d.Changed,
		c.Unchanged + d.Unchanged, c.Removed + d.Removed, c.Rejected + d.Rejected,
	}
}

// Total is the sums of the amounts of rows of one dataset, one currency and one Of, in minor units.
// Rejected rows are in no sum.
type Total struct {
	Dataset  string `json:"dataset"`
	Of       string `json:"of,omitempty"` // of transactions: payments, refunds, failed_payments or failed_refunds
	Currency string `json:"currency"`
	Read     int64  `json:"read"` // of an undo: of the rows that it takes back
	Added    int64  `json:"added"`
	Removed  int64  `json:"removed"`
	Before   int64  `json:"before"`          // of changed rows, as they were
	After    int64  `json:"after"`           // of changed rows, as they are now
	Whole    int64  `json:"whole,omitempty"` // rows that are of a whole invoice, and have no amount of their own
	Over     bool   `json:"over,omitempty"`  // a sum does not fit 64 bits: then the sums mean nothing
}

// Cost is capacity of DynamoDB, in thousandths of a unit.
type Cost struct {
	WriteMilli int64 `json:"write_milli"`
	ReadMilli  int64 `json:"read_milli"`
}

// WriteUnits is the cost in write units.
func (c Cost) WriteUnits() float64 { return float64(c.WriteMilli) / 1000 }

// ReadUnits is the cost in read units.
func (c Cost) ReadUnits() float64 { return float64(c.ReadMilli) / 1000 }

// Estimate is what applying a plan will take.
type Estimate struct {
	Changes    int64   `json:"changes"` // rows added, changed and removed
	WriteUnits float64 `json:"write_units"`
	ReadUnits  float64 `json:"read_units"`
	Dollars    float64 `json:"dollars"`   // on DynamoDB on demand
	PricesOf   string  `json:"prices_of"` // region and month of the price list
	Seconds    float64 `json:"seconds"`
}

// JobPage is a page of jobs, newest first.
type JobPage struct {
	Jobs    []Job   `json:"jobs"`
	Cursor  *string `json:"cursor"` // of the next page
	HasMore bool    `json:"has_more"`
	// how many jobs were looked at, if there is a filter: a page may be short, or empty, and have more behind it
	Searched *int           `json:"searched,omitempty"`
	Uploads  []FailedUpload `json:"uploads,omitempty"` // on the first page
}

// FailedUpload is a file in the upload folder that could not be imported. It is tried again.
type FailedUpload struct {
	Object  string    `json:"object"` // its key
	Error   string    `json:"error"`
	Since   time.Time `json:"since"`
	TriedAt time.Time `json:"tried_at"`
}

// Actions of a change.
const (
	Added   = "added"
	Changed = "changed"
	Removed = "removed"
	Kept    = "kept" // of an edit: it yields to the one that is there, which is Before
)

// Change is one row that an import changes, with its attributes before and after, by name
// (docs/TABLE.md). An added row has no Before, a removed one no After. Amounts are in minor units,
// times in Unix milliseconds. Attributes with a leading "_" are about the item, not the record.
type Change struct {
	Dataset string `json:"dataset"`
	Action  string `json:"action"`
	Key     string `json:"key"`              // sort key in the table
	Record  string `json:"record,omitempty"` // of an edit: public id of the record
	File    string `json:"file,omitempty"`   // where the row is in the input; empty for a removed row
	Line    int64  `json:"line,omitempty"`
	Place   string `json:"place,omitempty"` // of a row of a spreadsheet, such as Invoices!A17
	// of line items and transactions on a page of changes: that of their invoice, as far as it is known
	Currency string         `json:"currency,omitempty"`
	Before   map[string]any `json:"before,omitempty"`
	After    map[string]any `json:"after,omitempty"`
}

// Samples are some of the changes that an import makes or would make.
type Samples struct {
	Changes []Change `json:"changes"`
}
