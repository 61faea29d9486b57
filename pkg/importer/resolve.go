package importer

import (
	"context"
	"encoding/binary"
	"fmt"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// blockSize is how many distinct keys are compared with the table at once.
const blockSize = 1000

// question is one distinct key, and the rows that ask about it.
type question struct {
	about  string
	askers []entry // body: the asker's sort key
}

// resolve answers the look-ups of one key range. It merges the distinct keys that rows ask about
// with what is stored there, and writes findings for the ranges of the rows that ask. Most rows
// need no finding: their customer exists and has the origin of this import. So findings are few.
func (w *work) resolve(ctx context.Context, stage, keyRange int) (summary, error) {
	asks, err := w.runs.read(ctx, runPrefix(stage, runAsks), keyRange)
	if err != nil {
		return summary{}, err
	}
	defer asks.close()
	a, err := w.newAnswers(ctx, stage, keyRange)
	if err != nil {
		return summary{}, err
	}
	defer a.close()
	var block []question
	waiting := 0
	flush := func() error {
		err := a.answer(ctx, block)
		block, waiting = block[:0], 0
		return err
	}
	err = asks.each(func(e entry) error {
		a.w.makeWay()
		if n := len(block); n > 0 && block[n-1].about == e.key {
			block[n-1].askers = append(block[n-1].askers, e)
		} else {
			if n == blockSize {
				if err := flush(); err != nil {
					return err
				}
			}
			block = append(block, question{e.key, []entry{e}})
		}
		// One customer may have any number of invoices: answer before the block grows large.
		if waiting++; waiting >= 20*blockSize {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return summary{}, err
	}
	if err := a.ground.end(&a.sum); err != nil {
		return summary{}, err
	}
	if !a.any {
		return a.sum, nil
	}
	return a.sum, w.writeRun(ctx, runName(stage, runMain, fmt.Sprintf("found-%02x", keyRange)), a.found)
}

// answers collects the findings about the rows that ask.
type answers struct {
	w         *work
	customers *overlay
	lost      *lostRecords // customers
	found     []batch      // by key range of the row that asks
	any       bool
	sum       summary
	ground    ground
	// The row that holds the external id asked about last, and, in an undo, the owners that free
	// it: a question may come in parts.
	about string
	first *entry
	freed []string
}

func (w *work) newAnswers(ctx context.Context, stage, keyRange int) (*answers, error) {
	customers, err := w.customersOverlay(ctx, keyRange)
	if err != nil {
		return nil, err
	}
	lost, err := w.lostRecords(ctx, stageCustomers, keyRange)
	if err != nil {
		customers.close()
		return nil, err
	}
	return &answers{
		w: w, customers: customers, lost: lost, found: make([]batch, w.ranges), ground: w.newGround(ctx, fmt.Sprintf("%d-%02x-asked", stage, keyRange)),
	}, nil
}

func (a *answers) close() {
	a.customers.close()
	a.lost.close()
	a.ground.abort()
}

func (a *answers) answer(ctx context.Context, block []question) error {
	if err := a.w.interrupted(ctx); err != nil {
		return err
	}
	sks := make([]string, len(block))
	for i, q := range block {
		sks[i] = q.about
	}
	stored, err := a.w.storedAt(ctx, sks)
	if err != nil {
		return err
	}
	for i := range block {
		if err := a.one(&block[i], stored[i]); err != nil {
			return err
		}
	}
	return nil
}

// one answers one question, given what is stored there.
func (a *answers) one(q *question, stored table.Attrs) error {
	there := a.w.present(q.about, stored)
	if a.seePresent(q, there); len(q.askers) == 0 {
		return nil
	}
	var after table.Attrs
	known := false
	if isCustomer(q.about) {
		var err error
		if after, known, err = a.customers.at(q.about); err != nil {
			return err
		}
	}
	if !known && (there != nil || !isCustomer(q.about)) {
		if err := a.ground.note(q.about, there); err != nil {
			return err
		}
	}
	if known {
		there = after
	}
	switch {
	case a.w.undone != nil:
		a.answerUndo(q, there, stored)
	case a.w.dir.Erasing(stored):
		a.refuse(q)
	case !isCustomer(q.about):
		a.holder(there, q)
	default:
		lost, err := a.lost.at(q.about)
		if err != nil {
			return err
		}
		if body := a.w.findCustomer(there, lost); body != nil {
			for n := range q.askers {
				a.add(&q.askers[n], body)
			}
		}
	}
	return nil
}

// refuse rejects rows that ask for a record which is hidden because the import that added it is
// being erased.
func (a *answers) refuse(q *question) {
	column := "External ID"
	if isCustomer(q.about) {
		column = "Customer external ID"
	}
	p := erasing(column)
	for n := range q.askers {
		a.add(&q.askers[n], findReject(p.Column, p.Code, p.Message))
	}
}

func (a *answers) add(asker *entry, body []byte) {
	sk := string(asker.body)
	a.any = true
	a.found[a.w.parts.rangeOf(sk, a.w.ranges)].add(&entry{key: sk, place: asker.place, kind: finding, body: body})
}

// findCustomer is the finding that an invoice needs about its customer; nil if it needs none. lost
// is where a row of that customer was rejected.
func (w *work) findCustomer(a table.Attrs, lost *place) []byte {
	switch {
	case a != nil:
	case lost != nil:
		return findReject("Customer external ID", "unknown_customer", w.wasRejected("customer", "invoice", *lost))
	default:
		return findReject("Customer external ID", "unknown_customer", w.notThere("customer", billing.Customers, "invoice"))
	}
	if m := manualOf(a); m != w.manual {
		return findManual(m)
	}
	return nil
}

// holder finds out whether another row holds an external id: a stored row under another parent, or
// an earlier row of this input. A replace lets the id move: it removes the row that holds it, since
// that row cannot be in the input too.
func (a *answers) holder(stored table.Attrs, q *question) {
	owner := store.HolderOf(stored)
	replace := a.w.job.Import.Mode == job.Replace && a.w.job.Import.OnlyCustomer() == ""
	if a.about != q.about {
		a.about, a.first = q.about, nil
	}
	for n := range q.askers {
		asker := &q.askers[n]
		moves := stored != nil && owner != ownerOf(asker)
		switch {
		case moves && !replace && asker.natural:
			a.add(asker, findReject("", codeCollision, "A stored row of another customer has the same computed id; give this row an external ID."))
		case moves && !replace:
			a.add(asker, findReject("External ID", "external_id_taken",
				"This external ID belongs to a stored row of another invoice or customer; an external ID cannot move."))
			a.addPresent(q.about, asker, stored)
		case a.first == nil:
			a.first = asker
			if moves {
				a.sum.Moved++
			}
		case string(a.first.body) == string(asker.body):
		case asker.natural:
			a.add(asker, findReject("", codeCollision, fmt.Sprintf(
				"The row of another customer in %s has the same computed id; give this row an external ID.", a.w.lineAt(a.first.place))))
		default:
			a.add(asker, findReject("External ID", "duplicate_differs", fmt.Sprintf(
				"The same external ID is in %s with another invoice or customer; the first one is used.", a.w.lineAt(a.first.place))))
		}
	}
}

// ownerOf is the identity of the record that the asking row belongs to.
func ownerOf(asker *entry) string {
	h, _ := store.LeadingH(string(asker.body))
	return h.String()
}

// Findings: 'r' with a column, code and message, or 'm' with a manual epoch (0: not manual).

func findReject(column, code, message string) []byte {
	return append([]byte{'r'}, rejection{column: column, code: code, message: message}.encode()...)
}

func findManual(m int64) []byte { return binary.AppendVarint([]byte{'m'}, m) }

// manualOf is an item's manual epoch; 0 if the item is not manual.
func manualOf(a table.Attrs) int64 {
	m, _ := a.Int(store.AttrManual)
	return m
}

// countRejected counts a row that is rejected after it was mapped.
func countRejected(c *job.Counts) { c.Rejected++ }
