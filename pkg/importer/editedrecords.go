package importer

import (
	"context"
	"slices"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// editedRecords tells of the records that edits name whether there will be such, given what is
// stored and what the earlier stages of this import have decided. It is asked in the order of keys.
type editedRecords struct {
	w       *work
	changes map[int]*overlay     // by stage
	lost    map[int]*lostRecords // by stage
	known   map[string]recordFate
}

// recordFate is what becomes of a record.
type recordFate struct {
	there, erasing, forgotten bool
	lost                      *place // where its row was rejected
}

// openEdited opens what the earlier stages have decided in a key range.
func (w *work) openEdited(ctx context.Context, keyRange int) (*editedRecords, error) {
	e := &editedRecords{w: w, changes: map[int]*overlay{}, lost: map[int]*lostRecords{}, known: map[string]recordFate{}}
	for _, stage := range stages(w.job) {
		if stage == stageEdits {
			continue
		}
		set, err := openChanges(ctx, w.objects, setID{stage: stage, keyRange: keyRange}.object(w.job.ID))
		if err == nil {
			e.changes[stage] = &overlay{set: set}
			err = e.changes[stage].step()
		}
		if err == nil {
			e.lost[stage], err = w.lostRecords(ctx, stage, keyRange)
		}
		if err != nil {
			e.close()
			return nil, err
		}
	}
	return e, nil
}

func (e *editedRecords) close() {
	for _, o := range e.changes {
		o.close()
	}
	for _, l := range e.lost {
		if l != nil {
			l.close()
		}
	}
}

// find looks up the records of lines, which follow those that were asked about before.
func (e *editedRecords) find(ctx context.Context, lines []editLine, g *ground) error {
	sks := e.unknown(lines)
	stored, err := e.w.storedAt(ctx, sks)
	if err != nil {
		return err
	}
	for i, sk := range sks {
		fate, changed, err := e.fate(sk, stored[i])
		if err != nil {
			return err
		}
		if e.known[sk] = fate; fate.there && !changed {
			if err := g.note(sk, e.w.present(sk, stored[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// unknown lists the records of lines, and those that they are parts of, that are not known yet. What
// is known of others is forgotten.
func (e *editedRecords) unknown(lines []editLine) (sks []string) {
	before := e.known
	e.known = map[string]recordFate{}
	for _, l := range lines {
		for _, sk := range []string{store.ParentSK(l.record), l.record} {
			if fate, known := before[sk]; known {
				e.known[sk] = fate
			} else if sk != "" {
				sks = append(sks, sk)
			}
		}
	}
	slices.Sort(sks)
	return slices.Compact(sks)
}

// fate finds out what becomes of a record, and whether this import changes it.
func (e *editedRecords) fate(sk string, stored table.Attrs) (fate recordFate, changed bool, err error) {
	stage, after := store.RecordAt(sk).Stage, stored
	fate.erasing = stored != nil && e.w.beingErased(sk, stored)
	if o := e.changes[stage]; o != nil {
		own, known, err := o.at(sk)
		if err != nil {
			return fate, known, err
		}
		if changed = known; known {
			after = own
		}
	}
	fate.there = len(after) > 0 && e.w.present(sk, after) != nil
	if l := e.lost[stage]; l != nil && !fate.there {
		if fate.lost, err = l.at(sk); err != nil {
			return fate, changed, err
		}
		fate.forgotten = fate.lost != nil && l.forgotten()
	}
	return fate, changed, nil
}

const (
	codeUnknownRecord = "unknown_record"
	unknownRecord     = "The record of this edit is neither stored in this source nor taken in with this import."
)

// missing says why an edit of a record cannot be taken in: there is no such record, or it is hidden.
// The code is empty if nothing is in the way.
func (e *editedRecords) missing(sk string) (column, code, message string) {
	column = columnOfEdited(sk)
	for _, of := range []string{sk, store.ParentSK(sk)} {
		fate := e.known[of]
		switch {
		case of == "", fate.there && !fate.erasing:
		case fate.erasing:
			p := erasing(column)
			return column, p.Code, p.Message
		case fate.forgotten:
			return column, codeForgotten, e.w.isForgotten(*fate.lost)
		case fate.lost != nil:
			return column, codeUnknownRecord, e.w.wasRejected("record", "edit", *fate.lost)
		default:
			code, message = codeUnknownRecord, unknownRecord
		}
	}
	if code == "" {
		column = ""
	}
	return column, code, message
}

// columnOfEdited is the field of a line of edits that names the record, or the one that it is a part
// of.
func columnOfEdited(sk string) string {
	switch store.RecordAt(sk).Kind { //nolint:exhaustive // the others are invoices and their parts
	case store.KindCustomer:
		return "customer_external_id"
	case store.KindPlan:
		return "plan_external_id"
	}
	return "invoice_external_id"
}
