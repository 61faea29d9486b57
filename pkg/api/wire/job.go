package wire

import "time"

// Kinds of job.
const (
	Import = "import"
	Erase  = "erase"
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
	Grace     Status = "grace"    // an erase that can be restored until its time is over; then it begins
	Restored  Status = "restored" // an erase that was taken back in time
)

// Ended tells whether nothing goes on by itself any more.
func (s Status) Ended() bool { return s != Waiting && s != Running && s != Grace }

// Modes of an import.
const (
	Upsert  = "upsert"  // adds and changes rows
	Replace = "replace" // the input is the whole truth for its datasets: what it lacks is removed
)

// DefaultMaxRemoved is the percentage of a dataset's rows above which a removal waits for a yes
// unless something else is said.
const DefaultMaxRemoved = 20

// ImportOptions say how files are imported. What is not given is the server's default.
type ImportOptions struct {
	Dataset    string // of all files; else each header row says
	Mode       string // Upsert or Replace
	Plan       bool   // nothing is written before it is applied
	MaxRemoved *int   // percent of a dataset's rows above which a removal waits for a yes
	AllowEmpty bool   // files without rows may replace everything
}

// Job is an import or an erase.
type Job struct {
	ID         string            `json:"id"` // sorts by time of making
	Kind       string            `json:"kind"`
	Status     Status            `json:"status"`
	Source     string            `json:"source,omitempty"` // ds_…; empty if it concerns every source
	SourceName string            `json:"source_name,omitempty"`
	CreatedAt  time.Time         `json:"created_at"`
	StartedAt  time.Time         `json:"started_at,omitzero"`
	EndedAt    time.Time         `json:"ended_at,omitzero"`
	Import     *ImportJob        `json:"import,omitempty"`
	Erase      *EraseJob         `json:"erase,omitempty"`
	Stage      string            `json:"stage,omitempty"` // what is being done, e.g. "3 apply"
	Progress   Progress          `json:"progress"`
	Datasets   map[string]Counts `json:"datasets,omitempty"` // final once it has ended
	Rejects    int64             `json:"rejects"`
	Cost       Cost              `json:"cost"`
	Notes      []string          `json:"notes,omitempty"`
	Error      string            `json:"error,omitempty"`
}

// ImportJob is what an import reads, and what it has come to besides its counts.
type ImportJob struct {
	Mode     string    `json:"mode"`
	Origin   string    `json:"origin,omitempty"` // file, pull or api
	By       string    `json:"by,omitempty"`     // who asked for it
	Plan     bool      `json:"plan"`
	Files    []File    `json:"files"`
	Confirm  string    `json:"confirm,omitempty"` // why a planned import waits for a yes
	Estimate *Estimate `json:"estimate,omitempty"`
	Undo     string    `json:"undo,omitempty"`      // the job that this one takes back
	UndoneBy string    `json:"undone_by,omitempty"` // the job that took this one back

	FilesErased bool `json:"files_erased,omitempty"` // it can't be taken back any more
}

// File is one input file.
type File struct {
	Name    string `json:"name"` // as the person named it
	Dataset string `json:"dataset,omitempty"`
	Size    int64  `json:"size"` // bytes

	Datasets []string `json:"datasets,omitempty"` // of NDJSON
}

// EraseJob is what an erase removes; Removed is final once the job has ended, and then there is a
// receipt.
type EraseJob struct {
	Selection string    `json:"selection"`
	IDs       []string  `json:"ids,omitempty"` // of the records, of single ones
	KeepEdits bool      `json:"keep_edits"`
	By        string    `json:"by,omitempty"`
	Until     time.Time `json:"until,omitzero"` // while it can be restored
	Removed   Items     `json:"removed,omitempty"`
}

// Progress is how far a job has come.
type Progress struct {
	BytesDone  int64 `json:"bytes_done"` // of the input
	BytesTotal int64 `json:"bytes_total"`
	RowsDone   int64 `json:"rows_done"`  // read so far
	ItemsDone  int64 `json:"items_done"` // changes made so far, or items erased
	ItemsTotal int64 `json:"items_total,omitempty"`
	// Of a running job:
	Fraction    float64 `json:"fraction,omitempty"`        // 0 to 1, of all its work
	RowsASecond float64 `json:"rows_per_second,omitempty"` // since it started
	SecondsLeft float64 `json:"seconds_left,omitempty"`    // if it goes on as so far
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

// Add sums up.
func (c Counts) Add(d Counts) Counts {
	return Counts{
		c.Read + d.Read, c.Added + d.Added, c.Changed + d.Changed,
		c.Unchanged + d.Unchanged, c.Removed + d.Removed, c.Rejected + d.Rejected,
	}
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
	Jobs    []Job          `json:"jobs"`
	Cursor  *string        `json:"cursor"` // of the page behind it
	HasMore bool           `json:"has_more"`
	Uploads []FailedUpload `json:"uploads,omitempty"` // on the first page
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
)

// Change is one row that an import changes: its attributes before and after by name
// (docs/TABLE.md), none before an added row and none after a removed one. Amounts are in minor
// units, times in milliseconds of Unix time. Names with a leading "_" are about the item.
type Change struct {
	Dataset string         `json:"dataset"`
	Action  string         `json:"action"`
	Key     string         `json:"key"`            // sort key in the table
	File    string         `json:"file,omitempty"` // where it comes from; none of a removed row
	Line    int64          `json:"line,omitempty"`
	Before  map[string]any `json:"before,omitempty"`
	After   map[string]any `json:"after,omitempty"`
}

// Samples are some of the changes that an import makes or would make.
type Samples struct {
	Changes []Change `json:"changes"`
}
