package api

import (
	"strings"

	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
	"reseed/pkg/eraser"
	"reseed/pkg/exporter"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/person"
	"reseed/pkg/source/sheets"
)

// This file turns what is stored into the shapes of package wire.

func wireOfJob(j *job.Job) wire.Job {
	w := wire.Job{
		ID: j.ID, Kind: string(j.Kind), Status: wire.Status(j.Status), Source: j.Source, SourceName: j.SourceName,
		CreatedAt: j.CreatedAt, StartedAt: j.StartedAt, EndedAt: j.EndedAt, Stage: j.Stage, State: string(j.State()), Progress: wireOfProgress(j.Progress),
		Rejects: j.Rejects, Cost: wire.Cost{WriteMilli: j.Cost.WriteMilli, ReadMilli: j.Cost.ReadMilli}, Notes: j.Notes, Error: j.Error, ErrorCode: j.ErrorCode, Quiet: j.Quiet,
	}
	if len(j.Datasets) > 0 {
		w.Datasets = make(map[string]wire.Counts, len(j.Datasets))
	}
	for name, c := range j.Datasets {
		w.Datasets[name] = wire.Counts{
			Read: c.Read, Added: c.Added, Changed: c.Changed, Unchanged: c.Unchanged, Removed: c.Removed, Rejected: c.Rejected,
		}
	}
	for _, t := range j.Totals {
		w.Totals = append(w.Totals, wire.Total(t))
		if w.Decimals == nil {
			w.Decimals = map[string]int{}
		}
		w.Decimals[t.Currency] = billing.Exponent(t.Currency)
	}
	if j.Import != nil {
		w.Import, w.Reasons = wireOfImport(j.Import), wireOfReasons(j)
	}
	if j.Erase != nil {
		w.Erase = wireOfErase(j)
	}
	if j.Export != nil {
		w.Export = wireOfExport(j)
	}
	return w
}

// wireOfSigns are the signs of life of a job; nil if it neither waits nor runs.
func wireOfSigns(j *job.Job, s job.Signs) *wire.Signs {
	if j.Status != job.Waiting && j.Status != job.Running {
		return nil
	}
	return &wire.Signs{Before: s.Before, SeenAt: s.SeenAt, Stalled: s.Stalled, Begun: s.Begun}
}

func wireOfMessages(list []job.Message) (out []wire.Message) {
	for i := range list {
		m := wire.Message{About: string(list[i].About), Ways: map[string]wire.Delivery{}}
		for way, d := range list[i].Ways {
			m.Ways[way] = wireOfDelivery(d)
		}
		out = append(out, m)
	}
	return out
}

func wireOfDelivery(d job.Delivery) wire.Delivery {
	return wire.Delivery{Tries: d.Tries, Result: string(d.Result), At: d.At, Next: d.Next, Why: d.Why}
}

func wireOfProgress(p job.Progress) wire.Progress {
	var streams []wire.Stream
	for _, s := range p.Streams {
		streams = append(streams, wire.Stream(s))
	}
	return wire.Progress{
		Streams: streams, Waits: p.Waits, BytesDone: p.BytesDone, BytesTotal: p.BytesTotal, RowsDone: p.RowsDone, ItemsDone: p.ItemsDone, ItemsTotal: p.ItemsTotal,
		Fraction: p.Fraction, RowsASecond: p.RowsASecond, SecondsLeft: p.SecondsLeft,
	}
}

func wireOfImport(spec *job.ImportSpec) *wire.ImportJob {
	w := &wire.ImportJob{
		Mode: spec.Mode, Origin: string(spec.Origin), By: spec.By, Plan: spec.Plan, Files: make([]wire.File, len(spec.Files)), Confirm: spec.Confirm,
		Undo: spec.Undo, UndoneBy: spec.UndoneBy, Corrects: spec.Corrects, FilesErased: spec.FilesErased, Fields: spec.Fields,
	}
	if p := spec.Pull; p != nil && p.System != "" {
		w.Pull = &wire.Pull{System: p.System, Account: p.Account, Customer: p.Customer}
		if p.Reprocess {
			w.Pull.Reprocess = p.Raw
		}
	}
	for i, f := range spec.Files {
		w.Files[i] = wire.File{Name: f.Name, Dataset: f.Dataset, Size: f.Size, Datasets: f.Datasets, Rejects: f.Rejects}
		for _, l := range f.LeftOut {
			w.Files[i].LeftOut += int64(len(l.Lines))
		}
		if s := wire.Settings(f.Settings); !f.Settings.IsZero() {
			w.Files[i].Settings = &s
		}
	}
	for _, use := range spec.UsedPlans {
		w.UsedPlans = append(w.UsedPlans, wire.PlanUse(use))
	}
	if e := spec.Estimate; e != nil {
		w.Estimate = &wire.Estimate{
			Changes: e.Changes, WriteUnits: e.WriteUnits, ReadUnits: e.ReadUnits, Dollars: e.Dollars, PricesOf: e.PricesOf, Seconds: e.Seconds,
		}
	}
	return w
}

func wireOfReasons(j *job.Job) (out []wire.Reason) {
	for _, r := range j.Reasons {
		first := make([]wire.Rejected, len(r.First))
		for i, row := range r.First {
			f := j.Import.Files[row.File]
			first[i] = wire.Rejected{File: f.Name, Line: row.Line, Place: importer.PlaceOf(f, row.Line, r.Column), Link: linkOf(j.Import, f, row.Line, r.Column), Reason: row.Reason}
		}
		out = append(out, wire.Reason{Dataset: r.Dataset, Column: r.Column, Code: r.Code, Count: r.Count, First: first})
	}
	return out
}

// linkOf is the address at which a cell of a spreadsheet that was pulled is opened; empty of other
// rows.
func linkOf(spec *job.ImportSpec, f job.File, line int64, column string) string {
	place := importer.PlaceOf(f, line, column)
	if spec.Pull == nil || f.GID == nil || place == "" {
		return ""
	}
	return sheets.CellAddress(spec.Pull.Spreadsheet, *f.GID, place[strings.LastIndexByte(place, '!')+1:])
}

func wireOfErase(j *job.Job) *wire.EraseJob {
	w := &wire.EraseJob{Selection: j.Erase.Selection, KeepEdits: j.Erase.KeepEdits, By: j.Erase.By, Reason: j.Erase.Reason, Removed: j.Erase.Removed}
	if j.Status == job.Grace {
		w.Until = j.Erase.Until
	}
	for _, r := range j.Erase.Records {
		w.IDs = append(w.IDs, r.ID)
	}
	return w
}

func wireOfExport(j *job.Job) *wire.ExportJob {
	x := j.Export
	w := &wire.ExportJob{
		Format: x.Format, Sheet: x.Sheet, Delimiter: x.Delimiter, Datasets: x.Datasets, Edits: x.Edits, By: x.By, Customer: x.Customer,
		Rows: x.Rows, Changed: x.Changed, Size: x.Size, Deleted: x.Deleted,
	}
	if x.Customer != "" {
		w.Datasets = person.Datasets()
	}
	if j.Status == job.Done && x.Size > 0 && !x.Deleted {
		w.KeptUntil = j.EndedAt.Add(exporter.KeptFor)
	}
	return w
}

func wireOfPlan(p *eraser.Plan) *wire.ErasePlan {
	var exports []wire.Exported
	if p.Exports != nil {
		exports = make([]wire.Exported, len(p.Exports))
	}
	for i, x := range p.Exports {
		exports[i] = wire.Exported(x)
	}
	return &wire.ErasePlan{
		ID: p.ID, Exports: exports, Selection: string(p.Kind), Source: p.Source, SourceName: p.SourceName, Records: p.Records, Import: p.Import,
		KeepEdits: p.KeepEdits, Grace: p.Grace, Removes: wire.Items(p.Removes), Pointers: wire.Items(p.Pointers),
		Survives: p.Survives, Notes: p.Notes, WriteUnits: p.WriteUnits, Dollars: p.Dollars, PricesOf: p.PricesOf, Seconds: p.Seconds,
	}
}

func wireOfReceipt(r eraser.Receipt) wire.Receipt {
	digest, _ := r.KeyDigest.MarshalText() // never fails
	w := wire.Receipt{
		Job: r.Job, Selection: string(r.Selection), Source: r.Source, SourceName: r.SourceName, Records: r.Records, Import: r.Import,
		AskedBy: r.AskedBy, Reason: r.Reason, AskedAt: r.AskedAt, Grace: r.Grace, KeptEdits: r.KeptEdits, Forgotten: r.Forgotten,
		Removed: wire.Items(r.Removed), Total: r.Total, KeyDigest: string(digest), Imports: r.Imports, Files: wire.Items(r.Files), VerifiedAt: r.VerifiedAt,
		Seconds: r.Seconds, WriteUnits: r.WriteUnits, ReadUnits: r.ReadUnits, Dollars: r.Dollars, PricesOf: r.PricesOf, Survives: r.Survives,
	}
	if r.Residue != nil {
		w.Residue = make([]wire.Remains, len(r.Residue))
	}
	for i, x := range r.Residue {
		w.Residue[i] = wire.Remains{What: x.What, Until: x.Until, Note: x.Note}
	}
	return w
}

func wireOfChange(c importer.Change) wire.Change {
	return wire.Change{
		Dataset: string(c.Dataset), Action: string(c.Action), Key: c.Key, Record: c.Record, File: c.File, Line: c.Line, Place: c.Place, Currency: c.Currency, Before: c.Before, After: c.After,
	}
}
