package chartmogul

import (
	"context"
	"net/http"
	"slices"

	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// An answer shows at most [maxParts] line items and as many transactions of an invoice, the first
// by their keys; an invoice that was imported may have more. Then the answer says so, with cursors
// to the rest, which has pages.

// rest says where the line items or transactions of an answer stop. The zero value says that they
// are complete.
type rest struct {
	more  bool
	after *store.H // the last one in the answer; nil if there is none
}

// truncated is what an invoice says about its rests.
type truncated struct {
	LineItemsTruncated    bool    `json:"line_items_truncated,omitempty"`
	LineItemsCursor       *string `json:"line_items_cursor,omitempty"` // for GET /invoices/:uuid/line_items
	TransactionsTruncated bool    `json:"transactions_truncated,omitempty"`
	TransactionsCursor    *string `json:"transactions_cursor,omitempty"`
}

func (r *invoiceRow) truncated() truncated {
	return truncated{
		LineItemsTruncated: r.moreLines.more, LineItemsCursor: r.moreLines.cursor(atLine, r.Source.Tag),
		TransactionsTruncated: r.moreTrans.more, TransactionsCursor: r.moreTrans.cursor(atTransaction, r.Source.Tag),
	}
}

func (r rest) cursor(kind byte, tag store.Tag) *string {
	if r.after == nil {
		return nil
	}
	s := position{kind: kind, tag: tag, h: *r.after}.cursor()
	return &s
}

// complete reads the invoice's line items and transactions, and all their edits, usually with one
// query each.
func (c *call) complete(ctx context.Context, a records.Account, row *invoiceRow) error {
	sp := row.Source.Space()
	pages, err := each(ctx, []table.Query{sp.Parts(store.KindNamed(store.KindInvoice), row.H), sp.InvoiceEditsBetween(row.H, row.H)}, c.Records.Store.Page)
	if err != nil {
		return err
	}
	if pages[0].Next != "" || pages[1].Next != "" || overfull(pages[0].Items) {
		return c.completeLarge(ctx, a, row)
	}
	if err := c.hold(pages[0].Items...); err != nil {
		return err
	}
	return row.Lay(a, pages[0].Items, records.ByKey(pages[1].Items), c.withDisabled())
}

// overfull reports whether an invoice has more line items or transactions than an answer shows.
func overfull(parts []table.Item) bool {
	lines := 0
	for _, it := range parts {
		if store.SKPrefix(it.SK) == store.SKLine {
			lines++
		}
	}
	return lines > maxParts || len(parts)-lines > maxParts
}

// completeLarge reads as many line items and transactions of a large invoice as an answer shows.
func (c *call) completeLarge(ctx context.Context, a records.Account, row *invoiceRow) error {
	row.Lines, row.Transactions = nil, nil
	found, err := c.Records.Lookup(ctx, records.InvoiceKeys(row.Source, row.H)[1:])
	if err != nil {
		return err
	}
	if err := row.Lay(a, nil, found, true); err != nil {
		return err
	}
	for _, k := range []store.Kind{store.KindLineItem, store.KindTransaction} {
		parts, more, err := c.partsOf(ctx, a, row, k, nil, maxParts)
		if err != nil {
			return err
		}
		for _, s := range parts {
			row.Add(s)
		}
		*row.rest(k) = restBehind(parts, more)
	}
	return nil
}

func (r *invoiceRow) rest(k store.Kind) *rest {
	if k == store.KindTransaction {
		return &r.moreTrans
	}
	return &r.moreLines
}

func restBehind(shown []records.Stored, more bool) rest {
	if !more {
		return rest{}
	}
	return restAfter(shown[len(shown)-1].Key)
}

func restAfter(last table.Key) rest {
	h, _ := store.TrailingH(last.SK)
	return rest{more: true, after: &h}
}

// maxHeld is roughly how many stored bytes of an invoice's line items, or transactions, are in
// memory at the same time.
const maxHeld = httpapi.MaxAnswer

// partsOf reads the first visible line items or transactions of an invoice after one of them, with
// their edits; more reports whether there are others.
func (c *call) partsOf(ctx context.Context, a records.Account, row *invoiceRow, k store.Kind, after *store.H, want int) (out []records.Stored, more bool, err error) {
	q := row.Source.Space().PartsOf(k, row.H)
	if after != nil {
		q.After = records.PartKey(row.Source.Space(), k, row.H, *after).SK
	}
	held, with := 0, c.withDisabled()
	for {
		q.Limit = want + 1 - len(out)
		page, err := c.Records.Store.Page(ctx, q)
		if err != nil || len(page.Items) == 0 {
			return out, false, err
		}
		edits, err := c.editsOf(ctx, row.Source.Space(), page.Items)
		if err != nil {
			return out, false, err
		}
		for _, item := range page.Items {
			s, err := a.Stored(row.Source, item, edits)
			if err != nil {
				return out, false, err
			}
			if !a.Visible(item.Attrs) || s.Hidden(with) {
				continue
			}
			if held += len(item.Attrs); len(out) == want || len(out) > 0 && held > maxHeld {
				return out, true, nil
			}
			if err := c.hold(item); err != nil {
				return out, false, err
			}
			out = append(out, s)
		}
		if q.After = page.Next; q.After == "" {
			return out, false, nil
		}
	}
}

// editsOf reads the edits of line items or transactions that follow each other.
func (c *call) editsOf(ctx context.Context, sp store.Space, parts []table.Item) (map[table.Key]table.Attrs, error) {
	wanted := make(map[table.Key]bool, len(parts))
	for _, it := range parts {
		wanted[sp.FieldsOf(it.Key)] = true
	}
	edits := map[table.Key]table.Attrs{}
	for it, err := range c.Records.Store.Items(ctx, sp.PartEditsBetween(parts[0].Key, parts[len(parts)-1].Key)) {
		if err != nil {
			return nil, err
		}
		if wanted[it.Key] { // the record of another edit is not there
			edits[it.Key] = it.Attrs
		}
	}
	return edits, nil
}

// invoiceAnswer is an invoice in an answer.
type invoiceAnswer struct {
	row *invoiceRow
	a   records.Account
	st  style
}

// AppendJSON appends the invoice.
func (t invoiceAnswer) AppendJSON(b []byte) []byte {
	b, _ = httpapi.AppendJSON(b, t.row.wire(t.a, t.st)) // our own types never fail
	return b
}

// Shorten leaves out the second half of the line items and of the transactions, and reports whether
// there was one.
func (t invoiceAnswer) Shorten() bool {
	r := t.row
	if len(r.Lines)+len(r.Transactions) == 0 {
		return false
	}
	if half := len(r.Lines) / 2; half > 0 {
		r.Lines, r.moreLines = r.Lines[:half], restAfter(r.Lines[half-1].Key)
	} else if len(r.Lines) > 0 {
		r.Lines, r.moreLines = nil, rest{more: true}
	}
	if half := len(r.Transactions) / 2; half > 0 {
		r.Transactions, r.moreTrans = r.Transactions[:half], restAfter(r.Transactions[half-1].Key)
	} else if len(r.Transactions) > 0 {
		r.Transactions, r.moreTrans = nil, rest{more: true}
	}
	return true
}

// dropParts leaves out all line items and transactions.
func (t invoiceAnswer) dropParts() {
	r := t.row
	r.moreLines, r.moreTrans = rest{more: r.moreLines.more || len(r.Lines) > 0}, rest{more: r.moreTrans.more || len(r.Transactions) > 0}
	r.Lines, r.Transactions = nil, nil
}

// partList is the head of a page of an invoice's line items or transactions.
type partList struct {
	InvoiceUUID string `json:"invoice_uuid"`
}

// list is GET /invoices/:uuid/{…}: the invoice's line items or transactions in the order of their
// keys.
func (k partKind) list(c *call) (httpapi.Reply, error) {
	p, err := c.paging(k.at)
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, whole, err := c.Records.Invoice(c.Context(), records.Name{ID: c.PathValue("uuid")})
	if err != nil {
		return httpapi.Reply{}, err
	}
	inv := &invoiceRow{Invoice: whole}
	if inv.Hidden(c.withDisabled()) {
		return httpapi.Reply{}, httpapi.Absent(records.WhatInvoice)
	}
	var after *store.H
	if p.after != nil {
		after = &p.after.h
	}
	parts, more, err := c.partsOf(c.Context(), a, inv, k.kind, after, p.size)
	if err != nil {
		return httpapi.Reply{}, err
	}
	at := func(s records.Stored) position {
		h, _ := store.TrailingH(s.Key.SK)
		return position{kind: k.at, tag: inv.Source.Tag, h: h}
	}
	tail := httpapi.Paged{HasMore: more}
	if len(parts) > 0 {
		tail.Cursor = restAfter(parts[len(parts)-1].Key).cursor(k.at, inv.Source.Tag)
	}
	st := c.style()
	list := spell(httpapi.Elements{}, parts, &tail, at, func(s records.Stored) any {
		return k.wire(a, &records.PartOf{Part: records.Part{Stored: s, H: at(s).h}, Invoice: inv.Invoice}, st)
	})
	head := partList{store.ID(store.PrefixInvoice, inv.Source.Tag, inv.H)}
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Listed{Before: head, Name: k.name, Elements: list, Behind: tail}}, nil
}

// inOrderOfRequest sorts line items or transactions by their places in requests. Rows of files,
// which have no place, stay in the order of their keys.
func inOrderOfRequest[T any](list []T, place func(T) int64) []T {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(x, y T) int { return int(min(1, max(-1, place(x)-place(y)))) })
	return list
}
