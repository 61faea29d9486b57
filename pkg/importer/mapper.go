package importer

import (
	"cmp"
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

// mapped collects what the rows of one piece yield, until it is sorted and stored.
type mapped struct {
	w       *work
	stage   int
	by      string // the piece's part of run names
	file    int
	main    []batch // by key range
	asks    []batch // by key range of the key asked about
	lost    []batch // by key range of the record
	rejects *rejectRuns
	asked   bool
	loses   bool
	dataset billing.Dataset   // of the last row
	kind    *store.RecordKind // kind of the records of that dataset
	counts  job.Counts        // of the last rows, all of that dataset; not yet in sum
	sum     summary
	blocked *blocklist
	respelt []respelt // at most mostRespelt
}

// mapPiece turns the rows of a piece into sorted runs, split by key range, and counts the rows that
// it reads and rejects. It skips rows of other stages.
func (w *work) mapPiece(ctx context.Context, stage int, by string, p job.Piece) (summary, error) {
	rows, err := w.openRows(ctx, p, source.Place{Line: p.Line, Offset: p.Offset})
	if err != nil {
		return summary{}, err
	}
	defer func() { _ = rows.Close() }()
	blocked, err := w.loadBlocklist(ctx)
	if err != nil {
		return summary{}, err
	}
	m := &mapped{
		blocked: blocked,
		w:       w, stage: stage, by: by, file: p.File,
		main: make([]batch, w.ranges), asks: make([]batch, w.ranges), lost: make([]batch, w.ranges),
		rejects: &rejectRuns{w: w, by: fmt.Sprintf("%d-%s", stage, by)},
	}
	first, leftOut := stages(w.job)[0], leftOutLines(w.job.Import.Files[p.File])
	for {
		row, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return summary{}, fmt.Errorf("read %s: %w", w.job.Import.Files[p.File].Name, err)
		}
		m.w.makeWay()
		if row.Dataset == "" && stage != first || row.Dataset != "" && stageOf(row.Dataset) != stage || leftOut[row.Line] {
			continue
		}
		m.row(row, rows)
		if err := m.rejects.spill(ctx); err != nil {
			return summary{}, err
		}
	}
	m.countFor("")
	m.sum.remark(p.File, rows.Remarks())
	if err := m.countRespelt(ctx); err != nil {
		return summary{}, err
	}
	return m.store(ctx)
}

// countFor adds the counts to the sum, and counts rows of another dataset from now on.
func (m *mapped) countFor(ds billing.Dataset) {
	if m.counts != (job.Counts{}) {
		m.sum.count(string(m.dataset), func(c *job.Counts) { *c = c.Add(m.counts) })
	}
	m.dataset, m.kind, m.counts = ds, store.KindFor(ds), job.Counts{}
}

// unrecognised stands for the dataset of rows whose dataset is not recognised.
const unrecognised = "unrecognised"

func (m *mapped) row(row source.Row, rows source.Rows) {
	ds := row.Dataset
	if ds == "" {
		ds = unrecognised
	}
	if ds != m.dataset {
		m.countFor(ds)
	}
	m.counts.Read++
	at := place{file: m.file, line: row.Line, offset: row.Offset, length: row.Length}
	rec, problem := rows.Record()
	read := problem == nil
	if len(m.blocked.forgotten) > 0 {
		problem = cmp.Or(m.forgotten(m.blocked.entry(rows.Customers()...)), problem)
	}
	var where store.Location
	edited, isEdit := rec.(*billing.Edit)
	switch {
	case problem != nil:
	case isEdit:
		if problem = m.edit(at, edited); problem == nil {
			return
		}
	default:
		where = m.kind.Locate(m.w.hasher, rec)
		problem = m.refused(where.SK, rec)
	}
	if problem != nil {
		m.reject(at, problem.Column, problem.Code, problem.Message)
		m.lose(at, rows, problem.Code)
		m.notePresent(at, rows, problem, read && (problem.Code == codeForgotten || problem.Code == codeOtherCustomer))
		return
	}
	b := &m.main[m.w.parts.rangeOf(where.SK, m.w.ranges)]
	e := entry{key: where.SK, place: at, kind: record, natural: where.Natural}
	begin := b.begin(&e)
	b.mem = m.kind.Append(b.mem, rec)
	b.end(&e, begin)
	if where.About != "" {
		m.asked = true
		m.asks[m.w.parts.rangeOf(where.About, m.w.ranges)].add(&entry{key: where.About, place: at, kind: lookup, natural: where.Natural, body: []byte(where.SK)})
	}
	if len(m.respelt) < mostRespelt {
		m.respell(where.SK, rows.Verbatim())
	}
}

// refused says why a record may not be imported; nil if it may.
func (m *mapped) refused(sk string, rec billing.Record) *billing.Problem {
	if p := m.ofAnother(rec); p != nil {
		return p
	}
	if p := m.checkPlan(rec); p != nil {
		return p
	}
	return m.blocked.refuse(m.w.tag, m.kind, sk, rec)
}

// forgotten says that a row names the customer with this hash in the do-not-reload list, and counts
// that customer; nil if there is no hash.
func (m *mapped) forgotten(hash string) *billing.Problem {
	if hash == "" {
		return nil
	}
	m.sum.meet(hash)
	return forgotten(m.kind, hash)
}

func (m *mapped) reject(at place, column, code, message string) {
	m.counts.Rejected++
	m.rejects.add(at, rejection{string(m.dataset), column, code, message})
}

// lose notes the record of a row that is rejected with this code, for the rows that name it.
func (m *mapped) lose(at place, rows source.Rows, code string) {
	if !isNamed(m.kind) {
		return
	}
	if id := rows.ID(); id != "" {
		m.loses = true
		sk := m.kind.SKOf(m.w.hasher, id)
		m.lost[m.w.parts.rangeOf(sk, m.w.ranges)].add(&entry{key: sk, place: at, kind: lost, body: []byte(code)})
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
	if m.loses {
		if err := m.w.writeRun(ctx, runName(m.stage, runLost, m.by), m.lost); err != nil {
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

// checkPlan rejects a row that names a plan which is neither stored nor in this import.
func (m *mapped) checkPlan(rec billing.Record) *billing.Problem {
	if m.kind.Plan == nil {
		return nil
	}
	plan := m.kind.Plan(rec)
	if plan == "" || m.w.knowsPlan(plan) {
		return nil
	}
	message := "The plan of this row is neither stored nor in this import; import the plans file with it, or correct the plan's id."
	if at, is := m.w.lostPlans[store.PlanSK(m.w.hasher.External(store.KindPlan, plan))]; is {
		message = m.w.wasRejected("plan", "row", at)
	} else if m.w.replaces(billing.Plans) {
		message = m.w.notThere("plan", billing.Plans, "row")
	}
	return &billing.Problem{Column: billing.ColumnPlan(m.dataset), Code: "unknown_plan", Message: message}
}

// knowsPlan reports whether there is a plan with this external id. Many rows name few plans, so ids
// that were found are remembered.
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
