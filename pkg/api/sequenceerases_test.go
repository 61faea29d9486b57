package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"pgregory.net/rapid"

	"reseed/pkg/job"
)

// This file has the actions of a walk that erase and restore, and that let time pass.

// order posts an erase, and makes it in the model, too.
func (w *walk) order(t *rapid.T, e *erasing, s *origin, id string, keep string) {
	grace := rapid.SampledFrom([]string{"", "0s", "48h", "48h", "720h"}).Draw(t, "grace")
	if e.kind == "dependent" && keep == "false" { // such an erase has no grace period: edits could not be hidden
		grace = "0s"
	}
	body := object{"selection": e.kind, "grace": grace}
	e.imported = map[bool]string{true: id}[e.kind == "import"]
	if id != "" {
		body["id"] = id
	}
	switch e.keep = keep == "true"; keep {
	case "":
		e.keep = e.kind == "content" || e.kind == "dependent"
	default:
		body["keep_edits"] = e.keep
	}
	if len(e.forgets) > 0 {
		body["forget"] = true
	}
	e.id = text(w.t, w.must(202, "POST", "/v1/erasures", encoded(body)), "id")
	e.created, e.until, e.state = w.milli(), w.milli(), "running"
	if period, _ := time.ParseDuration(grace); period > 0 {
		e.state, e.until = "grace", w.now().Add(period).UnixMilli()
	}
	w.w.erase(e, s)
}

func drawKeep(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "true", "false"}).Draw(t, "keep edits")
}

func (w *walk) eraseSource(t *rapid.T) {
	s := draw(t, "source", w.own())
	kind := rapid.SampledFrom([]string{"dependent", "content", "source"}).Draw(t, "kind")
	keep := ""
	if kind != "source" {
		keep = drawKeep(t)
	}
	w.order(t, &erasing{kind: kind}, s, s.uuid, keep)
}

func (w *walk) eraseManual(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "really") > 0 {
		t.Skip("else there is too little")
	}
	w.order(t, &erasing{kind: "manual-customers"}, nil, "", "")
}

func (w *walk) eraseCustomer(t *rapid.T) {
	p := draw(t, "customer", w.records("c"))
	id := w.customerID(p.ref())
	if rapid.Bool().Draw(t, "invoices only") {
		if w.w.hiding(p.s.tag, "customer-invoices", p.id[2:]) != nil {
			w.again("customer-invoices", id, p.ref())
			return
		}
		w.order(t, &erasing{kind: "customer-invoices", records: []ref{p.ref()}}, p.s, id, drawKeep(t))
		return
	}
	if !w.there(p) {
		w.expect(404, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"customer","id":%q}`, id))
		return
	}
	e := &erasing{kind: "customer", records: w.w.group(p.ref())}
	if rapid.IntRange(0, 3).Draw(t, "forget") == 0 {
		for _, m := range e.records {
			e.forgets = append(e.forgets, w.w.byTag(m.tag).name+"/"+m.ext)
		}
	}
	w.order(t, e, p.s, id, "")
	w.again("customer", id, p.ref())
}

// again asks for an erase of what is being erased already: the answer is the same job.
func (w *walk) again(kind, id string, r ref) {
	w.t.Helper()
	want := w.w.hiding(r.tag, kind, r.ext).id
	if got := w.must(202, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":%q,"id":%q}`, kind, id)); got["id"] != want {
		w.t.Fatalf("another job erases the same: %v", got)
	}
}

func (w *walk) eraseInvoice(t *rapid.T) {
	p := draw(t, "invoice", w.records("i"))
	w.order(t, &erasing{kind: "invoice", records: []ref{p.ref()}}, p.s, w.invoiceID(p.s, p.id[2:]), drawKeep(t))
}

// GoString spells an import for reports of rapid.
func (l load) GoString() string { return fmt.Sprint("import of ", l.tag) }

func (w *walk) eraseImport(t *rapid.T) {
	l := draw(t, "import", w.w.loads)
	keep := drawKeep(t)
	w.finish() // it is refused while a job has the source
	body := fmt.Sprintf(`{"selection":"import","id":%q}`, l.id)
	switch s := w.w.byTag(l.tag); {
	case w.w.erasing(l.id) != nil:
		if got := w.must(202, "POST", "/v1/erasures", body); got["id"] != w.w.erasing(l.id).id {
			w.t.Fatalf("another job erases the same: %v", got)
		}
	case s == nil:
		w.expect(404, "POST", "/v1/erasures", body)
	case !w.w.left(s, l), w.w.needed(s, l.id):
		w.expect(409, "POST", "/v1/erasures", body)
	default:
		w.order(t, &erasing{kind: "import"}, s, l.id, keep)
	}
}

func (w *walk) restore(t *rapid.T) {
	list := slices.DeleteFunc(slices.Clone(w.w.erases), func(e *erasing) bool { return e.state != "grace" })
	if len(list) == 0 || rapid.IntRange(0, 9).Draw(t, "any") == 0 {
		list = w.w.erases
	}
	e := draw(t, "erase", list)
	w.finish()
	ans := w.do("POST", "/v1/erasures/"+e.id+"/restore", "")
	if want := w.w.restore(e, w.milli()); want != (ans.status == http.StatusOK) || !want && ans.status != http.StatusConflict {
		w.t.Fatalf("a restore of %s: status %d, want %v: %s", e.kind, ans.status, want, ans.body)
	}
}

func (w *walk) pass(t *rapid.T) {
	w.wait(rapid.SampledFrom([]time.Duration{time.Minute, 47 * time.Hour, 720 * time.Hour}).Draw(t, "time"))
	if rapid.Bool().Draw(t, "tick") {
		w.tick()
	}
}

// some works for a while; a call of the table may fail.
func (w *walk) some(t *rapid.T) {
	w.blow(t)
	for range rapid.IntRange(1, 5).Draw(t, "messages") {
		w.handle()
	}
	w.fuse.Store(0)
	if rapid.Bool().Draw(t, "tick") {
		w.wait(job.LeaseLength)
		w.tick()
	}
}

func (w *walk) remember(t *rapid.T) {
	var list []place
	for _, s := range w.own() {
		for n := range universe {
			if ext := fmt.Sprint("c", n+1); w.w.forgotten[s.name+"/"+ext] {
				list = append(list, place{s, customerOf(ext)})
			}
		}
	}
	p := draw(t, "customer", list)
	w.expect(204, "DELETE", "/v1/data_sources/"+p.s.uuid+"/forgotten?external_id="+p.id[2:], "")
	delete(w.w.forgotten, p.s.name+"/"+p.id[2:])
}
