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
	kind    *store.RecordKind
	main    []batch // by key range
	asks    []batch // by key range of the key asked about
	rejects *rejectRuns
	asked   bool
	counts  job.Counts
	sum     summary
	barred  *barred
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
	barred, err := w.loadBarred(ctx)
	if err != nil {
		return summary{}, err
	}
	m := &mapped{
		barred: barred,
		w:      w, stage: stage, by: by, file: p.File, dataset: layout.Dataset(), kind: store.KindFor(layout.Dataset()),
		main: make([]batch, w.ranges), asks: make([]batch, w.ranges),
		rejects: &rejectRuns{w: w, by: fmt.Sprintf("%d-%s", stage, by)},
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
		m.w.makeWay()
		if err := m.rejects.spill(ctx); err != nil {
			return summary{}, err
		}
	}
	m.sum.count(file.Dataset, func(c *job.Counts) { *c = m.counts })
	return m.store(ctx)
}

func (m *mapped) row(layout *billing.Layout, row source.Row) {
	m.counts.Read++
	at := place{file: m.file, line: row.Line, offset: row.Offset, length: row.Length}
	if row.Err != nil {
		m.reject(at, row.Err.Column, row.Err.Code, row.Err.Message)
		return
	}
	rec, problem := layout.Record(row.Fields, m.w.now)
	if problem == nil {
		problem = m.checkPlan(rec)
	}
	var where store.Location
	if problem == nil {
		where = m.kind.Locate(m.w.hasher, rec)
		problem = m.barred.refuse(m.w.tag, m.kind, where.SK, rec)
	}
	if problem != nil {
		m.reject(at, problem.Column, problem.Code, problem.Message)
		return
	}
	b := &m.main[m.w.parts.rangeOf(where.SK, m.w.ranges)]
	e := entry{key: where.SK, place: at, kind: record, natural: where.Natural}
	begin := b.begin(&e)
	b.mem = m.kind.Append(b.mem, rec)
	b.end(&e, begin)
	if where.About != "" {
		m.asked = true
		m.asks[m.w.parts.rangeOf(where.About, m.w.ranges)].add(&entry{key: where.About, place: at, kind: lookup, body: []byte(where.SK)})
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

// checkPlan rejects a row that names a plan which is neither stored nor part of this import.
func (m *mapped) checkPlan(rec billing.Record) *billing.Problem {
	if m.kind.Plan == nil {
		return nil
	}
	plan := m.kind.Plan(rec)
	if plan == "" || m.w.knowsPlan(plan) {
		return nil
	}
	message := "The plan of this row is neither among the stored plans nor in this import; import the plans file with it, or correct the plan's id."
	if m.w.replaces(billing.Plans) {
		message = m.w.notThere("plan", billing.Plans, "row")
	}
	return &billing.Problem{Column: billing.ColumnPlan(m.dataset), Code: "unknown_plan", Message: message}
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
