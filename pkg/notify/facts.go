package notify

import (
	"slices"
	"strings"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
	"reseed/pkg/eraser"
	"reseed/pkg/importer"
	"reseed/pkg/job"
)

// Facts are what a message tells of a job. They hold no values of records.
type Facts struct {
	ID         string                 `json:"id"`    // of the message: the same for all copies
	About      job.About              `json:"about"` // ended or waiting
	Job        string                 `json:"job"`
	Kind       string                 `json:"kind"`             // import, sync, undo or erase
	Status     job.Status             `json:"status"`           // done, failed, cancelled, planned or restored
	Source     string                 `json:"source,omitempty"` // uuid; empty if the job is about several sources
	SourceName string                 `json:"source_name,omitempty"`
	StartedAt  time.Time              `json:"started_at,omitzero"`
	EndedAt    time.Time              `json:"ended_at,omitzero"`
	Datasets   map[string]wire.Counts `json:"datasets,omitempty"`
	Totals     []wire.Total           `json:"totals,omitempty"`
	Rejects    int64                  `json:"rejects"`
	Reasons    []Reason               `json:"reasons,omitempty"`    // of the rejects; those to see to first come first
	ErrorCode  string                 `json:"error_code,omitempty"` // if it failed
	Halfway    bool                   `json:"halfway,omitempty"`    // it failed or was cancelled when it may have changed rows already
	Asks       bool                   `json:"asks,omitempty"`       // it waits for a yes although nobody asked for a plan
	System     string                 `json:"system,omitempty"`     // the billing system that a sync pulls from, such as Stripe
	Missing    []string               `json:"missing,omitempty"`    // datasets that the pull before had, and that no tab has rows of any more
	UsedPlans  []job.PlanUse          `json:"used_plans,omitempty"` // plans that the input lacks, and that stay because others use them; without their ids
	Removed    map[string]int64       `json:"removed,omitempty"`    // by an erase: items by kind
	Receipt    *eraser.Receipt        `json:"receipt,omitempty"`
	Page       string                 `json:"page,omitempty"` // address of the job's page in the console; empty if it is not known where people reach it
	Next       []Step                 `json:"next,omitempty"` // what people can do

	made time.Time
	undo bool
}

// Reason is one reason for which rows were rejected.
type Reason struct {
	Dataset string  `json:"dataset,omitempty"`
	Column  string  `json:"column,omitempty"`
	Code    string  `json:"code,omitempty"` // empty for all reasons together that are not listed
	Count   int64   `json:"count"`          // rows
	First   []Place `json:"first"`          // the first rows
}

// Place says where a rejected row is. The names of files and the titles of tabs may hold personal
// data, so files are counted, in the order of the import, and so are tabs that were read.
type Place struct {
	File  int   `json:"file"` // from 1
	Files int   `json:"files"`
	Line  int64 `json:"line"` // of a tab: the number of the row
	// of a tab: the cell at fault, or the first one of the row. It is Invoices!D17 if the tab is named
	// like a dataset, else D17
	Cell string `json:"cell,omitempty"`
}

// placeOf says where a row is. column is the one at fault, by the name that problems have for it.
func placeOf(files []job.File, row job.Rejected, column string) Place {
	p := Place{File: row.File + 1, Files: len(files), Line: row.Line}
	f := files[row.File]
	p.Cell = importer.PlaceOf(f, row.Line, column)
	if billing.Named(f.Tab) == "" {
		p.Cell = p.Cell[strings.LastIndexByte(p.Cell, '!')+1:]
	}
	return p
}

// Step is a command that people can run next, and what it does.
type Step struct {
	What    string `json:"what"`
	Command string `json:"command"`
}

const (
	mostReasons = 10 // of one message
	kindImport  = "import"
	kindSync    = "sync"
	kindUndo    = "undo"
	kindErase   = "erase"
)

// factsOf makes the facts of a message about a job. url is where the commands reach this instance;
// empty if they run where the data is.
func factsOf(m *job.Message, j *job.Job, url string) *Facts {
	f := &Facts{
		ID: m.ID(), About: m.About, Job: j.ID, Kind: kindOf(j), Status: j.Status, Source: j.Source, SourceName: j.SourceName,
		StartedAt: j.StartedAt, EndedAt: j.EndedAt, Rejects: j.Rejects, ErrorCode: j.ErrorCode, made: m.Made,
	}
	f.undo = f.Kind == kindUndo
	f.addRows(j)
	if j.Import != nil {
		f.Asks = j.Status == job.Planned && j.Import.Confirm != ""
		if j.Import.Pull != nil {
			f.System = j.Import.Pull.System
		}
		f.Missing = missing(j)
		f.UsedPlans = withoutIDs(j.Import.UsedPlans)
		f.Halfway = j.Wrote() && j.ErrorCode != job.Outdated && (j.Status == job.Failed || j.Status == job.Cancelled)
	}
	if j.Erase != nil {
		f.Removed = j.Erase.Removed
		if r, err := eraser.ReceiptOf(j); err == nil {
			f.Receipt = &r
		}
	}
	f.addPage(j, url)
	f.addSteps(j, url)
	return f
}

// missing lists the datasets that a pull has lost since the one before.
func missing(j *job.Job) (out []string) {
	spec := j.Import
	if spec.Pull == nil || spec.Pull.System != "" || len(spec.Datasets) == 0 { // it was not read to its end, or holds all that there is
		return nil
	}
	for _, ds := range spec.Pull.Had {
		if !slices.Contains(spec.Datasets, ds) {
			out = append(out, known(ds))
		}
	}
	return out
}

// withoutIDs leaves out which plans these are.
func withoutIDs(list []job.PlanUse) (out []job.PlanUse) {
	for _, use := range list {
		use.Plan = ""
		out = append(out, use)
	}
	return out
}

func kindOf(j *job.Job) string {
	switch {
	case j.Import == nil:
		return kindErase
	case j.Import.Undo != "":
		return kindUndo
	case j.Import.Origin == job.ByPull:
		return kindSync
	}
	return kindImport
}

// addRows adds counts, sums and reasons.
func (f *Facts) addRows(j *job.Job) {
	for name, c := range j.Datasets {
		if f.Datasets == nil {
			f.Datasets = map[string]wire.Counts{}
		}
		f.Datasets[known(name)] = f.Datasets[known(name)].Add(wire.Counts(c))
	}
	for i := range j.Totals {
		f.Totals = append(f.Totals, wire.Total(j.Totals[i]))
	}
	for _, r := range j.Reasons[:min(len(j.Reasons), mostReasons)] {
		reason := Reason{Dataset: known(r.Dataset), Code: r.Code, Count: r.Count, First: []Place{}}
		if billing.IsColumn(r.Column) { // others are headers as they stand in a file
			reason.Column = r.Column
		}
		for _, row := range r.First {
			reason.First = append(reason.First, placeOf(j.Import.Files, row, r.Column))
		}
		f.Reasons = append(f.Reasons, reason)
	}
}

// known is the name of a dataset, or "other" for what is none: a file can say anything.
func known(dataset string) string {
	if dataset == "" || slices.Contains(billing.Datasets(), billing.Dataset(dataset)) {
		return dataset
	}
	return "other"
}

// addPage adds where people see the job in a browser.
func (f *Facts) addPage(j *job.Job, url string) {
	if url != "" {
		f.Page = strings.TrimSuffix(url, "/") + "/jobs/" + j.ID
	}
}

// addSteps adds what people can do next.
func (f *Facts) addSteps(j *job.Job, url string) {
	add := func(what, command string) {
		if url != "" {
			command += " --url " + url
		}
		f.Next = append(f.Next, Step{what, "reseed " + command})
	}
	if f.Asks {
		add("Why it waits, in words:", "jobs "+j.ID)
	}
	switch {
	case j.Status == job.Planned:
		add("To do what the plan says:", "apply "+j.ID)
		add("To drop it:", "cancel "+j.ID)
		add("To see every change first:", "jobs "+j.ID+" --changes")
	case j.Status == job.Failed:
		add("What happened, in words:", "jobs "+j.ID)
	case f.Receipt != nil:
		add("The receipt:", "receipts "+j.ID)
	}
	if j.Import == nil {
		return
	}
	if (j.Status == job.Done || f.Halfway) && !f.undo && j.Import.UndoneBy == "" && !j.Import.FilesErased && (f.Halfway || f.changes() > 0) {
		add("To take it back:", "undo "+j.ID)
	}
	if j.Rejects > 0 {
		add("Each rejected row, with the reason:", "jobs "+j.ID+" --rejects"+out(j))
	}
}

// out is where the rejects go, if there is more than one file of them.
func out(j *job.Job) string {
	files := 0
	for _, f := range j.Import.Files {
		files += int(min(f.Rejects, 1))
	}
	if files < 2 {
		return ""
	}
	return " --out rejects-" + j.ID
}

// total sums up the counts of all datasets.
func (f *Facts) total() (sum wire.Counts) {
	for _, c := range f.Datasets {
		sum = sum.Add(c)
	}
	return sum
}

// changes is how many rows the job changes in any way.
func (f *Facts) changes() int64 {
	sum := f.total()
	return sum.Added + sum.Changed + sum.Removed
}
