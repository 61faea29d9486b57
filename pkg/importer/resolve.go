package importer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"reseed/pkg/job"
	"reseed/pkg/store"
)

// blockSize is how many distinct keys are compared with the table at a time.
const blockSize = 1000

// question is one distinct key asked about and those who ask.
type question struct {
	about  string
	askers []entry // body: the asker's sort key
}

// resolve answers the look-ups of one key range: it merges the distinct keys
// asked about with what is stored there and leaves findings for the ranges of
// those who asked. Most askers need no finding: their customer is there, and of
// this import's origin. So findings are few.
func (w *work) resolve(ctx context.Context, stage, keyRange int) error {
	asks, err := w.runs.read(ctx, runPrefix(stage, "asks", keyRange))
	if err != nil {
		return err
	}
	defer asks.close()
	found := make([]batch, w.ranges)
	var block []question
	waiting := 0
	flush := func() error {
		err := w.answer(ctx, block, found)
		block, waiting = block[:0], 0
		return err
	}
	for {
		e, err := asks.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
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
		// One customer may have any number of invoices: answer what is there before it grows.
		if waiting++; waiting >= 20*blockSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	for r := range found {
		if len(found[r].entries) == 0 {
			continue
		}
		found[r].sort()
		if err := w.runs.write(ctx, runName(stage, "main", r, fmt.Sprintf("found-%02x", keyRange)), found[r].entries); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) answer(ctx context.Context, block []question, found []batch) error {
	sks := make([]string, len(block))
	for i, q := range block {
		sks[i] = q.about
	}
	stored, err := w.storedAt(ctx, sks)
	if err != nil {
		return err
	}
	for i, q := range block {
		a := w.present(q.about, stored[i])
		for n := range q.askers {
			asker := &q.askers[n]
			body := w.findCustomer(a)
			if !strings.HasPrefix(q.about, store.SKCustomer) {
				body = w.findHolder(a, &q.askers[0], asker)
			}
			if body == nil {
				continue
			}
			sk := string(asker.body)
			found[w.parts.rangeOf(sk, w.ranges)].add(entry{key: sk, place: asker.place, kind: finding, body: body})
		}
	}
	return nil
}

// findCustomer is what an invoice has to know of its customer, if anything.
func (w *work) findCustomer(a store.Attrs) []byte {
	if a == nil {
		return findReject("Customer external ID", "unknown_customer",
			"The customer of this invoice is neither stored in this source nor taken in with this import.")
	}
	if m := manualOf(a); m != w.job.Import.ManualEpoch {
		return findManual(m)
	}
	return nil
}

// findHolder looks whether an external id is held by another row: by one
// that is stored under another parent, or by an earlier one of this input.
func (w *work) findHolder(a store.Attrs, first, asker *entry) []byte {
	if a != nil {
		holder := a.Str("invoice") + a.Str("customer")
		if own, _ := store.LeadingH(string(asker.body)); holder != own.String() {
			return findReject("External ID", "external_id_taken",
				"This external ID belongs to a stored row of another invoice or customer; an external ID cannot move.")
		}
	}
	if string(first.body) != string(asker.body) {
		return findReject("External ID", "duplicate_differs", fmt.Sprintf(
			"The same external ID stands in line %d with another invoice or customer; the first one was used.", first.place.line))
	}
	return nil
}

// Findings: 'r' and a column, code and message, or 'm' and a manual epoch (0: not manual).

func findReject(column, code, message string) []byte {
	return append([]byte{'r'}, rejection{column: column, code: code, message: message}.encode()...)
}

func findManual(m int64) []byte { return binary.AppendVarint([]byte{'m'}, m) }

// manualOf is an item's manual epoch; 0 if it is not manual.
func manualOf(a store.Attrs) int64 {
	m, _ := a.Int(store.AttrManual)
	return m
}

// countRejected books a row that falls after it was mapped.
func countRejected(c *job.Counts) { c.Rejected++ }
