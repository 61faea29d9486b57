package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/store"
)

// mapped collects what one piece yields, until it is sorted and stored.
type mapped struct {
	w       *work
	stage   int
	by      string // the piece's part of run names
	file    int
	main    []batch // by key range
	asks    []batch // by key range of the key asked about
	rejects *rejectRuns
	asked   bool
	dataset billing.Dataset // of the last row
	counts  job.Counts      // of the rows of that dataset since they are counted in sum
	sum     summary
	barred  *barred
}

// mapPiece turns the rows of a piece into sorted runs, split by key range, and
// counts what was read and rejected. Rows of other stages are passed over.
func (w *work) mapPiece(ctx context.Context, stage int, by string, p job.Piece) (summary, error) {
	rows, err := w.openRows(ctx, p, source.Place{Line: p.Line, Offset: p.Offset})
	if err != nil {
		return summary{}, err
	}
	defer func() { _ = rows.Close() }()
	barred, err := w.loadBarred(ctx)
	if err != nil {
		return summary{}, err
	}
	m := &mapped{
		barred: barred,
		w:      w, stage: stage, by: by, file: p.File,
		main: make([]batch, w.ranges), asks: make([]batch, w.ranges),
		rejects: &rejectRuns{w: w, by: fmt.Sprintf("%d-%s", stage, by)},
	}
	first := stages(w.job)[0]
	for {
		row, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return summary{}, fmt.Errorf("read %s: %w", w.job.Import.Files[p.File].Name, err)
		}
		m.w.makeWay()
		if row.Dataset == "" && stage != first || row.Dataset != "" && stageOf(row.Dataset) != stage {
			continue
		}
		m.row(row, rows)
		if err := m.rejects.spill(ctx); err != nil {
			return summary{}, err
		}
	}
	m.turn("")
	return m.store(ctx)
}

// turn counts rows of another dataset from now on.
func (m *mapped) turn(ds billing.Dataset) {
	if m.counts != (job.Counts{}) {
		m.sum.count(string(m.dataset), func(c *job.Counts) { *c = c.Add(m.counts) })
	}
	m.dataset, m.counts = ds, job.Counts{}
}

// unrecognised stands for the dataset of rows of which it cannot be told.
const unrecognised = "unrecognised"

func (m *mapped) row(row source.Row, rows source.Rows) {
	ds := row.Dataset
	if ds == "" {
		ds = unrecognised
	}
	if ds != m.dataset {
		m.turn(ds)
	}
	m.counts.Read++
	at := place{file: m.file, line: row.Line, offset: row.Offset, length: row.Length}
	rec, problem := rows.Record()
	if problem == nil {
		problem = m.w.checkPlan(rec)
	}
	if problem == nil {
		problem = m.barred.refuse(m.w.tag, rec)
	}
	if problem != nil {
		m.reject(at, problem.Column, problem.Code, problem.Message)
		return
	}
	where := m.w.locate(rec)
	b := &m.main[m.w.parts.rangeOf(where.sk, m.w.ranges)]
	e := entry{key: where.sk, place: at, kind: record, natural: where.natural}
	begin := b.begin(&e)
	b.mem = store.AppendRecord(b.mem, rec)
	b.end(&e, begin)
	if where.about != "" {
		m.asked = true
		m.asks[m.w.parts.rangeOf(where.about, m.w.ranges)].add(&entry{key: where.about, place: at, kind: lookup, body: []byte(where.sk)})
	}
}

func (m *mapped) reject(at place, column, code, message string) {
	m.counts.Rejected++
	m.rejects.add(at, rejection{string(m.dataset), column, code, message})
}

// store sorts and writes the runs.
func (m *mapped) store(ctx context.Context) (summary, error) {
	if err := m.w.writeRun(ctx, runName(m.stage, runMain, m.by), m.main); err != nil {
		return m.sum, err
	}
	if m.asked {
		if err := m.w.writeRun(ctx, runName(m.stage, runAsks, m.by), m.asks); err != nil {
			return m.sum, err
		}
	}
	err := m.rejects.end(ctx, &m.sum)
	return m.sum, err
}

func (w *work) writeRun(ctx context.Context, name string, sections []batch) error {
	for i := range sections {
		sections[i].sort()
	}
	return w.runs.write(ctx, name, sections)
}

// location is where a record belongs.
type location struct {
	sk      string
	natural bool // it is known by its content alone
	// about is a key that must be looked up before the record can be merged: an invoice's customer, or who else
	// has the external id of a line item, a transaction or an event. Empty if there is none.
	about string
}

func (w *work) locate(rec billing.Record) location {
	hr := w.hasher
	switch r := rec.(type) {
	case *billing.Customer:
		return location{sk: store.CustomerSK(hr.CustomerH(r.ExternalID))}
	case *billing.Contact:
		return location{sk: store.ContactSK(hr.CustomerH(r.CustomerExternalID), hr.ContactH(r)), natural: r.ExternalID == ""}
	case *billing.Plan:
		// Two plans of one name and interval are one plan: no occurrence numbers.
		return location{sk: store.PlanSK(hr.PlanH(r))}
	case *billing.Invoice:
		return location{sk: store.InvoiceSK(hr.InvoiceH(r.ExternalID)), about: store.CustomerSK(hr.CustomerH(r.CustomerExternalID))}
	case *billing.LineItem:
		invoice, own := hr.InvoiceH(r.InvoiceExternalID), hr.LineItemH(r)
		if r.ExternalID == "" {
			return location{sk: store.LineItemSK(invoice, own), natural: true}
		}
		return location{sk: store.LineItemSK(invoice, own), about: store.ExternalSK(store.KindLineItem, own)}
	case *billing.Transaction:
		invoice, own := hr.InvoiceH(r.InvoiceExternalID), hr.TransactionH(r)
		if r.ExternalID == "" {
			return location{sk: store.TransactionSK(invoice, own), natural: true}
		}
		return location{sk: store.TransactionSK(invoice, own), about: store.ExternalSK(store.KindTransaction, own)}
	case *billing.Event:
		customer, id := hr.CustomerH(r.CustomerExternalID), hr.EventH(r).EventID()
		if r.ExternalID == "" {
			return location{sk: store.EventSK(customer, id), natural: true}
		}
		return location{sk: store.EventSK(customer, id), about: store.ExternalEventSK(id)}
	}
	return location{}
}

// checkPlan rejects a row that names a plan which is neither stored nor part of this import.
func (w *work) checkPlan(rec billing.Record) *billing.Problem {
	var plan string
	switch r := rec.(type) {
	case *billing.LineItem:
		plan = r.PlanExternalID
	case *billing.Event:
		plan = r.PlanExternalID
	}
	if plan == "" || w.knowsPlan(plan) {
		return nil
	}
	message := "The plan of this row is neither among the stored plans nor in this import; import the plans file with it, or correct the plan's id."
	if w.replaces(billing.Plans) {
		message = w.notThere("plan", billing.Plans, "row")
	}
	return &billing.Problem{Column: billing.ColumnPlan(rec.Dataset()), Code: "unknown_plan", Message: message}
}

// knowsPlan tells whether there is a plan of this external id. Many rows name few plans: found ones are
// remembered by their names.
func (w *work) knowsPlan(id string) bool {
	if w.named[id] {
		return true
	}
	if !w.plans[store.PlanSK(w.hasher.External(store.KindPlan, id))] {
		return false
	}
	w.named[strings.Clone(id)] = true
	return true
}
