package eraser

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/table"
)

// Residue says where copies of erased data may live on for a while. It comes from the settings of
// the deployment.
type Residue struct {
	Backups time.Duration // how far back the table can be restored; 0 means that it has no backups
	Logs    time.Duration // how long logs are kept, which hold ids and no personal data; 0 means no logs
	Local   bool          // the data is in a folder of one machine
}

// Receipt is the proof of an erase. It holds no personal data, unless its reason does, and is never
// changed. Times are UTC.
type Receipt struct {
	Job        string           `json:"job"`
	Selection  Kind             `json:"selection"`
	Source     string           `json:"source,omitempty"`
	SourceName string           `json:"source_name,omitempty"`
	Records    []string         `json:"records,omitempty"` // public ids
	Import     string           `json:"import,omitempty"`  // the job whose added rows were removed
	AskedBy    string           `json:"asked_by"`
	Reason     string           `json:"reason,omitempty"` // in the words of who asked
	AskedAt    time.Time        `json:"asked_at"`         // the selection was invisible from then on
	Grace      time.Time        `json:"restorable_until,omitzero"`
	KeptEdits  bool             `json:"kept_edits"`
	Forgotten  int              `json:"forgotten,omitempty"`     // customers on the do-not-reload list
	Removed    map[string]int64 `json:"removed"`                 // numbers of items by kind
	Total      int64            `json:"total"`                   // items
	KeyDigest  Digest           `json:"key_digest"`              // see [Digest]
	Imports    int              `json:"imports_cleared"`         // imports whose uploads, change sets and rejects are gone
	Files      Counts           `json:"files_cleared,omitempty"` // files deleted, by kind; not in receipts before 2026-11-30
	VerifiedAt time.Time        `json:"verified_at"`             // when every partition had been read and nothing found
	Seconds    float64          `json:"seconds"`                 // that the removal took
	WriteUnits float64          `json:"write_units"`
	ReadUnits  float64          `json:"read_units"`
	Dollars    float64          `json:"dollars"` // on DynamoDB on demand
	PricesOf   string           `json:"prices_of"`
	Survives   []string         `json:"survives"` // what was left, in sentences
	Residue    []Remains        `json:"residue"`
}

// Remains describes a place where a copy may live on.
type Remains struct {
	What  string    `json:"what"`
	Until time.Time `json:"until,omitzero"`
	Note  string    `json:"note"`
}

// Notice tells a backup of an erase that the backup does not hold: who opens it must erase again. It
// holds no personal data. Times are UTC.
type Notice struct {
	Job        string    `json:"job"`
	Selection  Kind      `json:"selection"`
	SourceName string    `json:"source_name,omitempty"`
	Records    []string  `json:"records,omitempty"` // public ids
	Import     string    `json:"import,omitempty"`  // the job whose added rows were removed
	AskedAt    time.Time `json:"asked_at"`
}

// backups tells all backups of the erase, which is about to end, and returns them.
func (r *run) backups(ctx context.Context) ([]Remains, error) {
	if r.c.Backups == nil {
		return nil, nil
	}
	spec := r.job.Erase
	return r.c.Backups(ctx, Notice{
		Job: r.job.ID, Selection: Kind(spec.Selection), SourceName: r.job.SourceName, Records: recordIDs(spec), Import: spec.Import, AskedAt: r.job.CreatedAt,
	})
}

// recordIDs returns the public ids of the records that an erase names.
func recordIDs(spec *job.EraseSpec) (ids []string) {
	for _, x := range spec.Records {
		ids = append(ids, x.ID)
	}
	return ids
}

// receipt makes the receipt of an erase that ends now.
func (r *run) receipt(j *job.Job, digest Digest, backups []Remains) Receipt {
	spec, now := j.Erase, r.c.Now().UTC()
	removed := Counts(spec.Removed)
	kind := Kind(spec.Selection)
	begun := j.StartedAt
	if begun.IsZero() {
		begun = j.CreatedAt
	}
	return Receipt{
		Job: j.ID, Selection: kind, Source: j.Source, SourceName: j.SourceName, Records: recordIDs(spec), Import: spec.Import, AskedBy: spec.By, Reason: spec.Reason, AskedAt: j.CreatedAt,
		Grace: spec.Until, KeptEdits: spec.KeepEdits, Forgotten: len(spec.Forgotten), Removed: removed, Total: removed.Total(), KeyDigest: digest,
		Imports: r.lead.Files, Files: r.lead.Cleared, VerifiedAt: r.lead.Seen, Seconds: now.Sub(begun).Seconds(),
		WriteUnits: j.Cost.WriteUnits(), ReadUnits: j.Cost.ReadUnits(), Dollars: j.Cost.Dollars(), PricesOf: table.PricesOf,
		Survives: survives(kind, spec.KeepEdits), Residue: slices.Concat(backups, r.c.Residue.remains(now)),
	}
}

// remains lists the places where copies may live on after an erase that ended at a time.
func (res Residue) remains(ended time.Time) []Remains {
	list := []Remains{}
	if res.Local {
		list = append(list, Remains{
			What: "copies of the data folder",
			Note: "The table and the files of this machine hold nothing of it any more. Copies that others have made of the data folder are not known here.",
		})
	}
	if res.Backups > 0 {
		list = append(list, Remains{
			What: "backups of the table", Until: ended.Add(res.Backups),
			Note: "Until then the table can be restored to a time before the erase. After such a restore, the data has to be erased again.",
		})
	}
	if res.Logs > 0 {
		list = append(list, Remains{
			What: "logs", Until: ended.Add(res.Logs),
			Note: "Logs hold ids of jobs and sources, and no personal data.",
		})
	}
	if !res.Local {
		list = append(list, Remains{
			What: "versions of objects",
			Note: "None: all versions of the files concerned were deleted.",
		})
	}
	return list
}

// survives says in sentences what an erase of a kind leaves.
func survives(k Kind, keepEdits bool) []string {
	var list []string
	switch k {
	case Source:
		list = []string{
			"Every other source stays as it is.",
			"Customers that were merged with one of this source live on in the other sources, under their own ids and with their own edits.",
		}
	case Content:
		list = []string{"The source itself stays, with its name and id.", "Every other source stays as it is."}
	case Dependent:
		list = []string{
			"The source itself and its customers stay, with the contacts, tags, custom attributes, changed fields and merges of these customers.",
			"Every other source stays as it is.",
		}
	case ManualCustomers:
		list = []string{"Plans and sources stay, and so do customers that were made over the API, also those that a file has changed since."}
	case Customer:
		list = []string{"Every other customer stays."}
	case CustomerInvoices:
		list = []string{"The customer stays, with its contacts, subscription events and edits, and its invoices in other sources."}
	case Invoice:
		list = []string{"The customer stays."}
	case Import:
		list = []string{"Rows that came by other imports or over REST stay, also those that this import changed.", "Every other source stays as it is."}
	}
	if keepEdits {
		list = append(list, "What people did by hand to the rows stays, and is there again when the same external ids return.")
	}
	return list
}

// ReceiptOf reads the receipt of an erase. The error is fault.NotFound if the job has none, or none
// yet.
func ReceiptOf(j *job.Job) (Receipt, error) {
	var r Receipt
	if j.Erase == nil || len(j.Erase.Receipt) == 0 {
		return r, fault.New(fault.NotFound, "no_receipt", "there is no receipt of this job: it is not an erase, or not done yet")
	}
	if err := json.Unmarshal(j.Erase.Receipt, &r); err != nil {
		return r, fault.Wrap(err, fault.Internal, "receipt", "read a receipt")
	}
	return r, nil
}

//go:embed receipt.html
var receiptPage string

// words spells the name of a kind for people.
func words(kind any) string {
	return strings.NewReplacer("_", " ", "-", " ").Replace(fmt.Sprint(kind))
}

// WriteHTML writes the receipt as one page.
func (r Receipt) WriteHTML(w io.Writer) error {
	t, err := template.New("receipt").Funcs(template.FuncMap{
		"words": words, "when": func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 MST") },
		"units": func(f float64) string { return fmt.Sprintf("%.1f", f) }, "money": func(f float64) string { return fmt.Sprintf("$%.4f", f) },
		"hex": func(d Digest) string { text, _ := d.MarshalText(); return string(text) },
	}).Parse(receiptPage)
	if err == nil {
		err = t.Execute(w, r)
	}
	if err != nil {
		return fault.Wrap(err, fault.Internal, "receipt", "write a receipt")
	}
	return nil
}
