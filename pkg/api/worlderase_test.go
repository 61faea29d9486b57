package api_test

import (
	"maps"
	"slices"
	"strings"
)

// This file has what an erase, its restore and its sweep change in the world.

// erase hides a selection.
func (w *world) erase(e *erasing, s *origin) {
	if s != nil {
		e.was = *s
	}
	switch e.kind {
	case "source":
		w.sources = slices.DeleteFunc(w.sources, func(o *origin) bool { return o == s })
	case "content":
		s.customers, s.data = rows{}, rows{}
		if !e.keep {
			s.edits = edits{}
		}
	case "dependent":
		s.data = rows{}
	case "manual-customers":
		w.eraseManual(e)
	case "import":
		e.sources = []origin{*s}
	default:
		for _, o := range w.sources {
			if slices.ContainsFunc(e.records, func(r ref) bool { return r.tag == o.tag }) {
				e.sources = append(e.sources, *o)
			}
		}
	}
	for _, f := range e.forgets {
		w.forgotten[f] = true
	}
	w.erases = append(w.erases, e)
}

func (w *world) eraseManual(e *erasing) {
	for _, o := range w.sources {
		e.sources = append(e.sources, *o)
	}
	for _, other := range w.erases { // a restore of an earlier erase must not bring them back
		if other.state == "grace" && other.was.customers != nil && !other.ofRecords() {
			e.sources = append(e.sources, other.was)
		}
	}
	e.epochWas = w.epoch
	w.top++
	w.epoch, e.epoch = w.top, w.top
}

// restore restores an erase, if that is possible.
func (w *world) restore(e *erasing, now int64) bool {
	if e.state != "grace" || now >= e.until || !w.restorable(e) {
		return false
	}
	switch s := w.byTag(e.was.tag); e.kind {
	case "source":
		was := e.was
		w.sources = append(w.sources, &was)
	case "content", "dependent":
		s.customers, s.data = e.was.customers, e.was.data
		if e.kind == "content" && !e.keep {
			s.edits = e.was.edits
		}
	case "manual-customers":
		w.epoch = e.epochWas
	}
	for _, f := range e.forgets {
		delete(w.forgotten, f)
	}
	e.state = "restored"
	return true
}

// restorable reports whether nothing that happened since prevents a restore.
func (w *world) restorable(e *erasing) bool {
	switch s := w.byTag(e.was.tag); e.kind {
	case "source":
		return w.byName(e.was.name) == nil
	case "content":
		return s != nil && s.vacant(e)
	case "dependent":
		return s != nil && s.vacant(e) && sameMap(s.customers, e.was.customers)
	case "manual-customers":
		return w.epoch == e.epoch && !w.brought[e.epoch]
	}
	return !slices.ContainsFunc(e.sources, func(was origin) bool {
		now := w.byTag(was.tag)
		return now == nil || !sameMap(now.customers, was.customers) || !sameMap(now.data, was.data)
	})
}

// vacant reports whether nothing was stored in a source since it was emptied.
func (s space) vacant(e *erasing) bool {
	if e.kind == "dependent" {
		return len(s.data) == 0
	}
	return len(s.data)+len(s.customers) == 0 && (e.keep || len(s.edits) == 0)
}

// covers reports whether the sweep of an erase also removes what an earlier one has hidden.
func (e *erasing) covers(o *erasing) bool {
	return o.created < e.created && o.was.tag == e.was.tag && (o.kind == "dependent" || o.kind == "content" && e.kind != "dependent") &&
		(e.kind == "source" || e.kind == "content" || e.kind == "dependent")
}

// sweep removes what an erase has hidden.
func (w *world) sweep(e *erasing) {
	e.state = "done"
	for _, o := range w.erases {
		if o.hides() && e.covers(o) {
			o.state = "running"
			w.remove(o, true)
		}
	}
	w.remove(e, false)
}

// remove removes what an erase has hidden. With rowsOnly the edits of dependent rows stay.
func (w *world) remove(e *erasing, rowsOnly bool) {
	switch e.kind {
	case "source":
		clear(e.was.customers)
		clear(e.was.data)
		clear(e.was.edits)
	case "content":
		clear(e.was.customers)
		clear(e.was.data)
		if !e.keep {
			clear(e.was.edits)
		}
	case "dependent":
		clear(e.was.data)
		if !e.keep && !rowsOnly {
			maps.DeleteFunc(e.was.edits, func(key string, it editItem) bool { return kindOf(key) != "c" && it.at < e.created })
		}
	case "manual-customers":
		for _, o := range e.sources {
			w.sweepManual(o.space, e.epoch)
			if now := w.byTag(o.tag); now != nil {
				w.sweepManual(now.space, e.epoch)
			}
		}
	case "import":
		e.sources[0].sweepImport(e)
	default:
		for _, o := range e.sources {
			for _, at := range w.everywhere(o) {
				at.sweepRecords(e)
			}
		}
	}
}

func (w *world) sweepManual(s space, epoch int64) {
	old := func(m int64) bool { return m > 0 && m < epoch }
	for _, from := range []rows{s.customers, s.data} {
		maps.DeleteFunc(from, func(_ string, r record) bool { return old(r.manual) })
	}
	maps.DeleteFunc(s.edits, func(_ string, it editItem) bool { return old(it.manual) })
}

func (o origin) sweepImport(e *erasing) {
	for _, from := range []rows{o.customers, o.data} {
		for id, r := range from {
			if r.by != e.imported {
				continue
			}
			delete(from, id)
			if !e.keep {
				maps.DeleteFunc(o.edits, func(key string, _ editItem) bool { return strings.HasPrefix(key, id+"#") })
			}
		}
	}
}

// everywhere are the spaces in which rows of a source are visible or can be restored.
func (w *world) everywhere(o origin) []origin {
	all := []origin{o}
	if now := w.byTag(o.tag); now != nil {
		all = append(all, *now)
	}
	for _, e := range w.erases {
		if e.hides() && e.was.tag == o.tag && (e.kind == "content" || e.kind == "dependent") {
			all = append(all, e.was)
		}
	}
	return all
}

func (o origin) sweepRecords(e *erasing) {
	for _, r := range e.records {
		if r.tag == o.tag {
			o.sweepRecord(e, r.ext)
		}
	}
}

func (o origin) sweepRecord(e *erasing, ext string) {
	if e.kind == "invoice" {
		o.sweepInvoice(e, ext)
		return
	}
	for id, r := range o.data {
		if kindOf(id) == "i" && r.fields["customer"] == ext {
			o.sweepInvoice(e, id[2:])
		}
	}
	if e.kind == "customer" {
		o.sweepOrphans(e, ext)
		delete(o.customers, customerOf(ext)) // and the pointer from its e-mail address
		maps.DeleteFunc(o.edits, func(key string, _ editItem) bool { return strings.HasPrefix(key, customerOf(ext)+"#") })
	}
}

// sweepOrphans removes the edits of a customer's invoices that are gone, if a person has changed the
// date of the invoice: then a pointer leads from the customer to its edits.
func (o origin) sweepOrphans(e *erasing, customer string) {
	for key, edit := range o.edits {
		id, what, _ := strings.Cut(key, "#")
		_, there := o.data[id]
		if what == "fields" && kindOf(id) == "i" && edit.fields["date"] != "" && ownerOf(id[2:]) == customer && !there {
			o.sweepInvoice(e, id[2:])
		}
	}
}

// sweepInvoice removes an invoice with everything that belongs to it. Keys of edits end with the
// kind of edit.
func (o origin) sweepInvoice(e *erasing, ext string) {
	of := func(key string) bool {
		id, _, _ := strings.Cut(key, "#")
		return strings.Contains("ilt", kindOf(id)) && invoiceIn(id) == ext
	}
	maps.DeleteFunc(o.data, func(id string, _ record) bool { return of(id) })
	if !e.keep {
		maps.DeleteFunc(o.edits, func(key string, _ editItem) bool { return of(key) })
	}
}
