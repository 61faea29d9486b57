package job

import (
	"encoding/json"
	"slices"
	"time"

	"reseed/pkg/later"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Kind is what a job does.
type Kind string

// The kinds of job.
const (
	Import Kind = "import"
	Erase  Kind = "erase"
	Export Kind = "export"
)

// Status is where a job stands.
type Status string

// The states of a job. Waiting, Running and Grace are the open ones.
const (
	Waiting   Status = "waiting" // another job has its source
	Running   Status = "running"
	Planned   Status = "planned" // an import whose change set is stored, and which waits for a person to apply it
	Done      Status = "done"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
	Grace     Status = "grace"    // an erase that can be restored until its grace period is over, and begins then
	Restored  Status = "restored" // an erase that was taken back in time
)

// Ended tells whether the job does not go on by itself any more. A planned job has ended in this
// sense, although [Ledger.Resume] may begin it again.
func (s Status) Ended() bool { return s != Waiting && s != Running && s != Grace }

// Counts says what became of the rows of one dataset (I1):
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

// Job is one run on a source, or on all: an import, an erase or an export.
type Job struct {
	ID         string `json:"id"` // ids sort by the time at which they were made
	Kind       Kind   `json:"kind"`
	Status     Status `json:"status"`
	Source     string `json:"source,omitempty"` // ds_…; empty when it concerns every source
	SourceName string `json:"source_name,omitempty"`
	// digest of the event that asked for it: the same event makes no second job
	Once      string            `json:"once,omitempty"`
	Tag       store.Tag         `json:"tag"`
	CreatedAt time.Time         `json:"created_at"`
	StartedAt time.Time         `json:"started_at,omitzero"`
	EndedAt   time.Time         `json:"ended_at,omitzero"`
	Import    *ImportSpec       `json:"import,omitempty"`
	Erase     *EraseSpec        `json:"erase,omitempty"`
	Export    *ExportSpec       `json:"export,omitempty"`
	Stage     string            `json:"stage,omitempty"`    // what is being done, e.g. "3 apply"
	Progress  Progress          `json:"progress"`           // of the input, for people
	Datasets  map[string]Counts `json:"datasets,omitempty"` // final once Ended
	Totals    Totals            `json:"totals,omitempty"`   // like Datasets
	Rejects   int64             `json:"rejects"`
	Reasons   []Reason          `json:"reasons,omitempty"` // why rows of an import were rejected
	Cost      table.Cost        `json:"cost"`
	Notes     []string          `json:"notes,omitempty"` // e.g. unknown columns that were ignored
	Error     string            `json:"error,omitempty"`
	ErrorCode string            `json:"error_code,omitempty"` // of the error that an import or erase ends with: stable, without values
	Quiet     bool              `json:"quiet,omitempty"`      // people are not told of it
	Scheduled *Scheduled        `json:"scheduled,omitempty"`  // of a pull that the tick started; nil of all others
	Told      []Message         `json:"told,omitempty"`       // what people were told of it, or could not be told
	Version   int64             `json:"-"`                    // of the stored item
	Later     later.Fields      `json:"-"`                    // fields that a later version stored; kept as they are, here and below
}

// Reason is one reason for which rows were rejected.
type Reason struct {
	Dataset string `json:"dataset,omitempty"`
	Column  string `json:"column,omitempty"` // the column or field at fault; empty if it is not a single one
	Code    string `json:"code,omitempty"`   // empty for all reasons together that are not listed
	Count   int64  `json:"count"`            // rows
	// the first rows, in the order of the input
	First []Rejected `json:"first"`
}

// Rejected is one row that was rejected.
type Rejected struct {
	File   int    `json:"f"` // index in Files of the import
	Line   int64  `json:"l"`
	Reason string `json:"reason"` // a sentence
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
	// Of a running job, when it is looked at:
	Fraction    float64 `json:"fraction,omitempty"`        // 0 to 1, of all its work
	RowsASecond float64 `json:"rows_per_second,omitempty"` // since it started
	SecondsLeft float64 `json:"seconds_left,omitempty"`    // if it goes on like this
}

// Stream is how far the objects of one kind are read from a billing system.
type Stream struct {
	Name  string `json:"name"` // as the system calls them
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"` // 0: the system does not say
}

// Modes of an import.
const (
	Upsert  = "upsert"  // adds and changes rows
	Replace = "replace" // the input is the whole truth for its datasets: what it lacks is removed
)

// DefaultMaxRemoved is the share of a dataset's stored rows, in percent, above
// which a removal waits for a person's yes (I4).
const DefaultMaxRemoved = 20

// Origin says how the rows of an import came here. It decides whether they are manual: whether an
// erase of the manual customers removes them.
type Origin string

// The origins.
const (
	ByFile Origin = "file" // a person made the files: the rows are manual
	ByPull Origin = "pull" // read from a spreadsheet or a billing system that is connected
	ByAPI  Origin = "api"  // sent by a program to the Import API
)

// ImportSpec is what an import reads, what it may do, and how far it has been decided.
type ImportSpec struct {
	Files      []File `json:"files"`
	Zips       []File `json:"zips,omitempty"`        // what Files were unpacked from
	Mode       string `json:"mode"`                  // Upsert or Replace
	Plan       bool   `json:"plan,omitempty"`        // stop before anything is written
	MaxRemoved int    `json:"max_removed"`           // percent, in Replace
	AllowEmpty bool   `json:"allow_empty,omitempty"` // an input without rows may remove everything
	Undo       string `json:"undo,omitempty"`        // the job that this one undoes; then there are no files
	OnlyAdded  bool   `json:"only_added,omitempty"`  // of an undo: the other job has neither changed nor removed rows
	// of an undo that a version before 2026-11-29 began: it has no gate
	Stepwise    bool   `json:"stepwise,omitempty"`
	ManualEpoch int64  `json:"manual_epoch"`       // of the account; manual rows that the import adds carry it
	Origin      Origin `json:"origin,omitempty"`   // empty is [ByFile], as all imports before 2026-11-30 were
	By          string `json:"by,omitempty"`       // who asked: the name of an API key, or [UploadFolder]
	Remember    bool   `json:"remember,omitempty"` // once it is done, the source keeps the settings of its files
	// what the source kept when the import began to read; nil once the input has been looked through
	Readings *source.Readings `json:"readings,omitempty"`
	Pull     *PullSpec        `json:"pull,omitempty"` // of a pull
	// the fence of the source when the files began to come in; 0 in jobs before 2026-12-01, too
	Fence int64 `json:"fence,omitempty"`
	// the job whose rejected rows this one corrects: it reads the same files, and files with these rows
	Corrects string `json:"corrects,omitempty"`

	// Set once the input has been looked through, before anything is written.
	Scanned  bool         `json:"scanned,omitempty"`
	Epochs   store.Epochs `json:"epochs,omitzero"`  // of the source at that time, or when a pull began to read; the import fails if they change
	Small    bool         `json:"small,omitempty"`  // one worker does it all in memory
	Ranges   int          `json:"ranges,omitempty"` // number of key ranges, which are merged separately
	Pieces   []Piece      `json:"pieces,omitempty"` // of all files, in the order of the files
	Datasets []string     `json:"datasets,omitempty"`

	// Set once every row is decided and all change sets are stored.
	Parked   bool      `json:"parked,omitempty"`  // it was Planned for a while: stored rows may have changed since
	Confirm  string    `json:"confirm,omitempty"` // why it needs a person's yes, if it was not asked to wait
	Applying bool      `json:"applying,omitempty"`
	Removes  bool      `json:"removes,omitempty"` // there are rows to be removed
	Estimate *Estimate `json:"estimate,omitempty"`
	// of a plan or a pull: in how many changed rows each field changes, by dataset and attribute; nil in
	// those of versions before 2026-12-01
	Fields map[string]map[string]int64 `json:"fields,omitempty"`
	// of a replace: the first plans that the input lacks, and that stay because others use them
	UsedPlans []PlanUse `json:"used_plans,omitempty"`
	// of a pull with [RejectedStay] in its datasets: those whose removals are withheld, and the sort keys, in
	// ascending order, of rows that the input lacks, and that stay because others that stay need them
	Withheld []string `json:"withheld,omitempty"`
	Spared   []string `json:"spared,omitempty"`
	Ground   bool     `json:"ground,omitempty"` // its ground was stored; not in plans made before 2026-11-29

	Cancel   bool   `json:"cancel,omitempty"`    // a person asked for it; workers stop at the next chance
	Failing  string `json:"failing,omitempty"`   // the error that it ends with as soon as its workers have stopped
	UndoneBy string `json:"undone_by,omitempty"` // the latest job that undid it

	// all files that it read or made are deleted: it can't be undone any more
	FilesErased bool `json:"files_erased,omitempty"`

	Later later.Fields `json:"-"`
}

// CodeEmptied is the code of errors that say that a source was emptied meanwhile. Imports and pulls end with it; what they say then names nothing.
const CodeEmptied = "source_emptied"

// Emptied reports whether the source was emptied, or an earlier state of it was restored, since the epochs were noted.
func (s *ImportSpec) Emptied(now store.Epochs) bool {
	return s.Epochs != (store.Epochs{}) && s.Epochs != now
}

// UploadFolder is the By of imports of files that were put into the upload folder.
const UploadFolder = "upload folder"

// Manual tells whether the rows that the import adds are manual.
func (s *ImportSpec) Manual() bool { return s.Origin == "" || s.Origin == ByFile }

// Inputs lists the objects that the import reads, and the ZIPs from which they were unpacked.
func (s *ImportSpec) Inputs() []File { return append(slices.Clone(s.Files), s.Zips...) }

// Estimate is what applying a change set will take.
type Estimate struct {
	Changes    int64   `json:"changes"` // rows added, changed and removed
	WriteUnits float64 `json:"write_units"`
	ReadUnits  float64 `json:"read_units"` // of the check, before applying, that nothing has changed
	Dollars    float64 `json:"dollars"`    // on DynamoDB on demand
	PricesOf   string  `json:"prices_of"`  // region and month of the price list
	Seconds    float64 `json:"seconds"`
}

// Piece is a part of an input file, cut at record boundaries.
type Piece struct {
	File   int   `json:"f"`           // index in Files
	Offset int64 `json:"o"`           // bytes
	Length int64 `json:"n"`           // bytes
	Line   int64 `json:"l"`           // physical line of its first byte
	Stages []int `json:"s,omitempty"` // of NDJSON: the stages that have rows in it
}

// PullSpec is what an import pulls from a spreadsheet or a billing system, and how far it has come.
// What is pulled is frozen first, as objects of the job; then it is imported like files.
type PullSpec struct {
	Spreadsheet string `json:"spreadsheet"`       // its id; empty of a billing system
	System      string `json:"system,omitempty"`  // name of the billing system; empty of a spreadsheet
	Account     string `json:"account,omitempty"` // of the system, as people call it
	// external id of the only customer that is pulled, if it is not the whole source: rows of no other one are
	// changed or removed, and plans are only added and changed
	Customer   string `json:"customer,omitempty"`
	Raw        string `json:"raw,omitempty"`         // the latest pull that has read all of the system: it holds the raw pages
	Reprocess  bool   `json:"reprocess,omitempty"`   // these pages are mapped anew; nothing is read
	Expected   int64  `json:"expected,omitempty"`    // how many objects the system had at the pull before; 0: unknown
	Unwatched  bool   `json:"unwatched,omitempty"`   // a schedule began it: nobody looks at it
	MaxChanged int    `json:"max_changed,omitempty"` // percent; if it is unwatched, changes of more rows wait for a yes
	// the latest pull that was done when this one began, and the datasets that it had
	Applied string   `json:"applied,omitempty"`
	Had     []string `json:"had,omitempty"`
	// a pull whose plan waits for a yes: once this one is whole, that plan is cancelled
	Replaces    string `json:"replaces,omitempty"`
	ReplacesOne string `json:"replaces_one,omitempty"` // the same for the plan of a pull of one customer
	// the pull before, whatever became of it: its frozen tables go if it has ended
	Before string `json:"before,omitempty"`
	// of what decides besides the spreadsheet how it is imported, when the pull began
	Ground string `json:"ground,omitempty"`

	// Set once everything is frozen; of a billing system Whole stands there before, see [Unmapped].
	Whole     bool     `json:"whole,omitempty"`
	Objects   int64    `json:"objects,omitempty"`   // that were read from a billing system
	Pages     int      `json:"pages,omitempty"`     // raw pages that hold them
	Ask       string   `json:"ask,omitempty"`       // a sentence: why it waits for a yes, whatever it changes
	Unchanged bool     `json:"unchanged,omitempty"` // nothing was read: nothing has changed since Applied
	Version   int64    `json:"version,omitempty"`   // of the spreadsheet's file
	Lost      []string `json:"lost,omitempty"`      // sentences: tabs that look like datasets, and cannot be read

	Later later.Fields `json:"-"`
}

// DefaultMaxChanged is the share of a dataset's stored rows, in percent, above which the changes of a
// pull that nobody watches wait for a yes, if the dataset has at least LeastRows of them.
const (
	DefaultMaxChanged = 50
	LeastRows         = 20
)

// Unread stands in the Datasets of a pull until its tabs are frozen. Versions that know nothing of
// pulls do not know this dataset, and leave the job alone.
const Unread = "unread"

// RejectedStay stands in the Datasets of a pull in which a rejected row counts as present if its id is known (decision 0045).
// Versions that do not know that rule, nor pulls of one customer, do not know this dataset, and leave the job alone.
const RejectedStay = "rejected_stay"

// RejectedStay tells whether the job is a pull in which a rejected row counts as present if its id is known.
func (s *ImportSpec) RejectedStay() bool {
	return s.Pull != nil && slices.Contains(s.Datasets, RejectedStay)
}

// ErasedCustomer stands in [PullSpec.Customer] once the customer was erased: it was a pull of one.
const ErasedCustomer = "erased"

// OnlyCustomer is the external id of the only customer that the job pulls; empty if it concerns the whole source.
func (s *ImportSpec) OnlyCustomer() string {
	if s.Pull == nil {
		return ""
	}
	return s.Pull.Customer
}

// Unmapped stands there for pulls of billing systems. Versions that know only spreadsheets take such a
// job for a whole pull, since Whole is set, with a dataset that they do not know; so their pull workers
// do not look for its spreadsheet, and their import workers leave it alone.
const Unmapped = "unmapped"

// Pulling tells whether the job is a pull that has not frozen everything yet.
func (j *Job) Pulling() bool {
	return j.Import != nil && j.Import.Pull != nil && (!j.Import.Pull.Whole || slices.Contains(j.Import.Datasets, Unmapped))
}

// HasRaw tells whether the job keeps the raw pages of a pull of a whole billing system.
func (j *Job) HasRaw() bool {
	if j.Import == nil || j.Import.Pull == nil || j.Pulling() {
		return false
	}
	p := j.Import.Pull
	return p.System != "" && p.Customer == "" && !p.Reprocess && p.Pages > 0 && !j.Import.FilesErased
}

// File is one input file.
type File struct {
	Name    string `json:"name"`              // as the person named it
	Object  string `json:"object"`            // where it lies in the object store
	Version string `json:"version,omitempty"` // pinned, where the object store has versions
	// of its rows; of NDJSON the first of its datasets. Empty means that it is to be found out
	Dataset string `json:"dataset,omitempty"`
	Size    int64  `json:"size"`
	// title of the tab whose frozen table it is, see package grid; empty for a file. Older versions
	// read the table right, and count its lines
	Tab string `json:"tab,omitempty"`
	// number of that tab in Google Sheets, with which a link opens it; nil if it came from elsewhere
	GID *int64 `json:"gid,omitempty"`
	// Records says that a pull of a billing system has written the file, as NDJSON: its lines with _reject are rejects. Datasets
	// are then those of which the pull brings all, even if no line is of them
	Records bool `json:"records,omitempty"`

	// Found when it was looked through.
	Format   string   `json:"format,omitempty"`   // empty is CSV, else [NDJSON]
	Delim    string   `json:"delim,omitempty"`    // of CSV
	Header   []string `json:"header,omitempty"`   // of CSV, as it stands in the file
	Datasets []string `json:"datasets,omitempty"` // of NDJSON
	Told     string   `json:"told,omitempty"`     // of a rejects file of CSV, see [source.Shape]
	Unnamed  string   `json:"unnamed,omitempty"`  // of NDJSON: the dataset of lines that name none, if any

	Settings source.Settings `json:"settings,omitzero"` // how to read it: as given, then as found

	Rejects int64 `json:"rejects,omitempty"` // rows of it that were rejected, once every row is decided

	// rows that are not read, since a file beside this one has them corrected. A version before
	// 2026-12-01 reads them, and rejects them again
	LeftOut []LeftOut `json:"left_out,omitempty"`

	Later later.Fields `json:"-"`
}

// LeftOut are rows of a file that are not read.
type LeftOut struct {
	Part  int     `json:"part,omitempty"` // number of the file or tab in a packed file; 0 of a file itself
	Lines []int64 `json:"lines"`          // in ascending order
}

// Formats of files, see [File.Format] and [ExportSpec.Format].
const (
	CSV    = "csv"    // tables; a [File] has no Format then
	NDJSON = "ndjson" // one record a line
	JSON   = "json"   // of an export: all that is known of one customer, as JSON and as HTML
)

// OfCustomer is the only one of the Datasets of an export of one customer. It is no dataset, so that
// a worker of a version that does not know such exports fails, instead of exporting the whole source.
const OfCustomer = "customer"

// MaxGrace is the longest time for which an erase can be restored.
const MaxGrace = 90 * 24 * time.Hour

// EraseSpec is what an erase removes.
type EraseSpec struct {
	Selection string         `json:"selection"` // the kind of selection, see package eraser
	Was       store.Source   `json:"was"`       // the source as it was, of an erase that concerns one
	Records   []ErasedRecord `json:"records,omitempty"`
	Import    string         `json:"import,omitempty"` // the job whose added rows it erases
	KeepEdits bool           `json:"keep_edits,omitempty"`
	By        string         `json:"by,omitempty"`           // who asked
	Reason    string         `json:"reason,omitempty"`       // why, in words
	Plan      string         `json:"plan,omitempty"`         // the id of the plan that was confirmed
	Until     time.Time      `json:"until,omitzero"`         // it can be restored before that time
	Manual    int64          `json:"manual_epoch,omitempty"` // rows of older manual epochs are erased
	ManualWas int64          `json:"manual_was,omitempty"`   // the manual epoch before
	// sort keys of the entries that it added to the do-not-reload list
	Forgotten []string         `json:"forgotten,omitempty"`
	Sources   []store.Source   `json:"sources,omitempty"` // the sources that it concerns, if they are several
	Removed   map[string]int64 `json:"removed,omitempty"` // items by kind, final once Ended
	Receipt   json.RawMessage  `json:"receipt,omitempty"` // once Done, see package eraser

	Later later.Fields `json:"-"`
}

// ErasedRecord is one record of a selection of single records, or of an export of one customer.
type ErasedRecord struct {
	Tag store.Tag `json:"tag"`
	H   string    `json:"h"`
	ID  string    `json:"id"` // public
}

// What an export does with edits. If it says nothing, rows are as imported, and edits are left out.
const (
	EditsApart    = "apart"     // rows are as imported, and edits are a file of their own
	EditsLaidOver = "laid-over" // fields are as people have changed them, without rows that they have deleted
)

// ExportSpec is what an export writes, and how far it has come.
type ExportSpec struct {
	Format    string   `json:"format"`              // CSV or NDJSON
	Sheet     bool     `json:"sheet,omitempty"`     // of CSV: for spreadsheets, not to be imported
	Delimiter string   `json:"delimiter,omitempty"` // of a sheet: the byte between cells
	Datasets  []string `json:"datasets"`            // in the order of imports
	Edits     string   `json:"edits,omitempty"`     // EditsApart or EditsLaidOver; empty: there are none in it
	By        string   `json:"by,omitempty"`        // who asked

	// The public id of the customer of whom all is exported; empty if the export is of a source.
	Customer string `json:"customer,omitempty"`
	Absent   bool   `json:"absent,omitempty"`  // of a customer: no record of it is stored
	OnList   bool   `json:"on_list,omitempty"` // of one without a record: it is on the do-not-reload list
	// of a customer, once the export has begun to read: it and all that are merged into it
	Customers []ErasedRecord `json:"customers,omitempty"`
	Others    []store.Source `json:"others,omitempty"` // their sources besides Was, as they were then

	// the source as it was when the export began to read: what is erased later makes the export fail,
	// and its file useless
	Was    store.Source `json:"was,omitzero"`
	Cancel bool         `json:"cancel,omitempty"` // a person asked for it; workers stop at the next chance
	// the error that it ends with as soon as its workers have stopped
	Failing string `json:"failing,omitempty"`

	// Set once Done.
	Rows    map[string]int64 `json:"rows,omitempty"`    // by dataset, without zeros
	Changed int64            `json:"changed,omitempty"` // rows that were changed or added since it began
	Size    int64            `json:"size,omitempty"`    // of the file, in bytes; 0: there were no rows, and there is no file

	// the file is gone: an erase, a person or, after a while, the tick has deleted it
	Deleted bool `json:"deleted,omitempty"`

	Later later.Fields `json:"-"`
}

// Read lists the sources that the export has read, as they were when it began to read; none before.
func (s *ExportSpec) Read() []store.Source {
	if s.Was.UUID == "" {
		return nil
	}
	return append([]store.Source{s.Was}, s.Others...)
}

// Unerased tells whether no data of the sources was erased since the export began to read them.
func (s *ExportSpec) Unerased(d *store.Directory) bool {
	for _, was := range s.Read() {
		if now, there := d.ByUUID(was.UUID); !there || now.Fence != was.Fence || now.Epochs != was.Epochs {
			return false
		}
	}
	return true
}
