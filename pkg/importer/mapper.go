package importer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/store"
)

// mapped collects what one piece yields, until it is sorted and stored.
type mapped struct {
	w       *work
	stage   int
	by      string // the piece's part of run names
	file    int
	dataset billing.Dataset
	main    []batch // by key range
	asks    []batch // by key range of the key asked about
	rejects batch
	asked   bool
	builder *store.Builder
	sum     summary
}

// mapPiece turns the rows of a piece into sorted runs, split by key range, and
// counts what was read and rejected.
func (w *work) mapPiece(ctx context.Context, stage int, by string, p job.Piece) (summary, error) {
	file := w.job.Import.Files[p.File]
	layout, err := billing.NewLayout(billing.Dataset(file.Dataset), file.Header)
	if err != nil {
		return summary{}, err
	}
	in, err := w.objects.Open(ctx, file.Object, file.Version, p.Offset, p.Length)
	if err != nil {
		return summary{}, err
	}
	src := csvsource.Open(in, csvsource.Options{
		Header: file.Header, Delimiter: file.Delim[0], StartLine: p.Line, StartOffset: p.Offset,
	})
	defer func() { _ = src.Close() }()
	m := &mapped{
		w: w, stage: stage, by: by, file: p.File, dataset: layout.Dataset(),
		main: make([]batch, w.ranges), asks: make([]batch, w.ranges), builder: store.NewBuilder(),
	}
	unescape := hasRejectColumns(file.Header)
	for {
		row, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return summary{}, fmt.Errorf("read %s: %w", file.Name, err)
		}
		if unescape {
			unescapeFormulas(row.Fields)
		}
		m.row(layout, row)
	}
	return m.store(ctx)
}

func (m *mapped) row(layout *billing.Layout, row source.Row) {
	m.sum.count(string(m.dataset), func(c *job.Counts) { c.Read++ })
	at := place{file: m.file, line: row.Line, offset: row.Offset, length: row.Length}
	if row.Err != nil {
		m.reject(at, row.Err.Column, row.Err.Code, row.Err.Message)
		return
	}
	rec, problem := layout.Record(row.Fields, m.w.now)
	if problem == nil {
		problem = m.w.checkPlan(rec)
	}
	if problem != nil {
		m.reject(at, problem.Column, problem.Code, problem.Message)
		return
	}
	m.builder.Reset()
	store.EncodeRecord(m.builder, rec)
	sk, natural := m.w.sortKey(rec)
	m.main[m.w.parts.rangeOf(sk, m.w.ranges)].add(&entry{key: sk, place: at, kind: record, natural: natural, body: m.builder.Attrs()})
	m.ask(rec, sk, at)
}

func (m *mapped) reject(at place, column, code, message string) {
	m.sum.count(string(m.dataset), func(c *job.Counts) { c.Rejected++ })
	m.rejects.add(&entry{place: at, kind: reject, body: rejection{string(m.dataset), column, code, message}.encode()})
}

// ask adds the look-ups that a record needs: an invoice about its customer,
// and whatever has an external id about who else has it.
func (m *mapped) ask(rec billing.Record, sk string, at place) {
	hr, about := m.w.hasher, ""
	switch r := rec.(type) {
	case *billing.Invoice:
		about = store.CustomerSK(hr.CustomerH(r.CustomerExternalID))
	case *billing.LineItem:
		if r.ExternalID != "" {
			about = store.ExternalSK(store.KindLineItem, hr.LineItemH(r))
		}
	case *billing.Transaction:
		if r.ExternalID != "" {
			about = store.ExternalSK(store.KindTransaction, hr.TransactionH(r))
		}
	case *billing.Event:
		if r.ExternalID != "" {
			about = store.ExternalEventSK(hr.EventH(r).EventID())
		}
	}
	if about != "" {
		m.asked = true
		m.asks[m.w.parts.rangeOf(about, m.w.ranges)].add(&entry{key: about, place: at, kind: lookup, body: []byte(sk)})
	}
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
	if len(m.rejects.refs) == 0 {
		return m.sum, nil
	}
	name := fmt.Sprintf("rejects/%d-%s", m.stage, m.by)
	m.sum.Rejects = []string{jobDir(m.w.job.ID) + "runs/" + name}
	return m.sum, m.w.rejects.write(ctx, name, []batch{m.rejects})
}

func (w *work) writeRun(ctx context.Context, name string, sections []batch) error {
	for i := range sections {
		sections[i].sort()
	}
	return w.runs.write(ctx, name, sections)
}

// sortKey is where a record belongs, and whether it is known by its content alone.
func (w *work) sortKey(rec billing.Record) (sk string, natural bool) {
	hr := w.hasher
	switch r := rec.(type) {
	case *billing.Customer:
		return store.CustomerSK(hr.CustomerH(r.ExternalID)), false
	case *billing.Contact:
		return store.ContactSK(hr.CustomerH(r.CustomerExternalID), hr.ContactH(r)), r.ExternalID == ""
	case *billing.Plan:
		// Two plans of one name and interval are one plan: no occurrence numbers.
		return store.PlanSK(hr.PlanH(r)), false
	case *billing.Invoice:
		return store.InvoiceSK(hr.InvoiceH(r.ExternalID)), false
	case *billing.LineItem:
		return store.LineItemSK(hr.InvoiceH(r.InvoiceExternalID), hr.LineItemH(r)), r.ExternalID == ""
	case *billing.Transaction:
		return store.TransactionSK(hr.InvoiceH(r.InvoiceExternalID), hr.TransactionH(r)), r.ExternalID == ""
	case *billing.Event:
		return store.EventSK(hr.CustomerH(r.CustomerExternalID), hr.EventH(r).EventID()), r.ExternalID == ""
	}
	return "", false
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
	if plan == "" || w.plans[store.PlanSK(w.hasher.External(store.KindPlan, plan))] {
		return nil
	}
	message := "The plan of this row is neither among the stored plans nor in this import; import the plans file with it, or correct the plan's id."
	if w.replaces(billing.Plans) {
		message = w.notThere("plan", billing.Plans, "row")
	}
	return &billing.Problem{Column: billing.ColumnPlan(rec.Dataset()), Code: "unknown_plan", Message: message}
}
