package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// This file compares what the API shows with the world.

func opt(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// sees compares everything that the API shows with the model.
func (w *walk) sees() {
	w.t.Helper()
	var want, got []string
	for _, s := range w.w.sources {
		want = append(want, "source "+s.uuid+" "+s.name)
		for _, id := range w.w.all(s, "cpi") {
			want = append(want, w.tells(s, id)...)
		}
	}
	for _, o := range entries(w.t, w.must(200, "GET", "/v1/data_sources", ""), "data_sources") {
		got = append(got, fmt.Sprint("source ", o["uuid"], " ", o["name"]))
	}
	for _, o := range entries(w.t, w.must(200, "GET", "/v1/customers?per_page=200", ""), "entries") {
		got = append(got, customerLine(o))
		got = append(got, w.listed(o["uuid"]))
	}
	for _, o := range entries(w.t, w.must(200, "GET", "/v1/plans?per_page=200", ""), "plans") {
		got = append(got, fmt.Sprint("plan ", o["uuid"], " ", o["data_source_uuid"], " ", o["external_id"], " ", o["name"], " ", o["interval_count"]))
	}
	for _, o := range entries(w.t, w.must(200, "GET", "/v1/invoices?per_page=200&with_disabled=true", ""), "invoices") {
		got = append(got, invoiceLine(w.t, o))
	}
	for _, email := range someEmails() {
		want = append(want, w.found(email))
		ans := w.do("GET", "/v1/customers/search?per_page=200&email="+email, "")
		var ids []string
		if ans.status == http.StatusOK {
			ids = column(w.t, w.must(200, "GET", "/v1/customers/search?per_page=200&email="+email, ""), "entries", "uuid")
		}
		slices.Sort(ids)
		got = append(got, fmt.Sprint(email, " ", ids))
	}
	w.same("seen", got, want)
	if s := w.w.byName(bystander); w.stored(s.tag) != w.beside {
		w.t.Fatal("the source beside was touched")
	}
}

func (w *walk) same(what string, got, want []string) {
	w.t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	var diff strings.Builder
	for _, l := range got {
		if !slices.Contains(want, l) {
			diff.WriteString("\n+ " + l)
		}
	}
	for _, l := range want {
		if !slices.Contains(got, l) {
			diff.WriteString("\n- " + l)
		}
	}
	w.t.Fatalf("%s (+) is not as it is meant (-):%s", what, diff.String())
}

// tells is what the API must show of a record, by the model.
func (w *walk) tells(s *origin, id string) []string {
	f, disabled, deleted := w.w.shown(s, id)
	ext := id[2:]
	switch kindOf(id) {
	case "c":
		r := ref{s.tag, ext}
		if w.w.root(r) != r {
			return nil
		}
		return []string{w.customerTold(r, f), w.listTold(r)}
	case "p":
		return []string{fmt.Sprint("plan ", w.planID(s, ext), " ", s.uuid, " ", ext, " ", f["name"], " ", f["count"])}
	}
	if deleted {
		return nil
	}
	var parts []string
	for _, part := range w.w.all(s, "lt") {
		pf, pd, gone := w.w.shown(s, part)
		if invoiceIn(part) != ext || gone {
			continue
		}
		plan := ""
		if pf["plan"] != "" {
			plan = w.planID(s, pf["plan"])
		}
		parts = append(parts, fmt.Sprintf("%s %s amount=%s plan=%s result=%s disabled=%v", kindOf(part), part[strings.LastIndex(part, "/")+1:], pf["amount"], plan, pf["result"], pd))
	}
	slices.Sort(parts)
	return []string{fmt.Sprintf("invoice %s of %s %s %s date=%s status=%s disabled=%v %v",
		w.invoiceID(s, ext), w.customerID(w.w.root(ref{s.tag, f["customer"]})), f["customer"], ext, f["date"], f["status"], disabled, parts)}
}

func (w *walk) customerTold(r ref, f map[string]string) string {
	tags, custom, sources, ids := []string{}, map[string]int{}, []string{}, []string{}
	for _, m := range w.w.group(r) {
		s := w.w.byTag(m.tag)
		sources, ids = append(sources, s.uuid), append(ids, m.ext)
		for _, t := range w.w.edit(s, customerOf(m.ext), "tags").tags {
			if !slices.Contains(tags, t) {
				tags = append(tags, t)
			}
		}
		for name, v := range w.w.edit(s, customerOf(m.ext), "custom").custom {
			if _, ok := custom[name]; !ok {
				custom[name] = v
			}
		}
	}
	return fmt.Sprintf("customer %s of %s %s name=%s email=%s company=%s %v %v %v %v",
		w.customerID(r), sources[0], r.ext, f["name"], f["email"], f["company"], tags, custom, sources, ids)
}

func customerLine(o object) string {
	attributes, _ := o["attributes"].(object)
	return fmt.Sprintf("customer %s of %s %s name=%s email=%s company=%s %v %v %v %v",
		o["uuid"], o["data_source_uuid"], o["external_id"], o["name"], o["email"], o["company"],
		attributes["tags"], attributes["custom"], o["data_source_uuids"], o["external_ids"])
}

func invoiceLine(tb testing.TB, o object) string {
	tb.Helper()
	var parts []string
	for _, l := range entries(tb, o, "line_items") {
		parts = append(parts, fmt.Sprintf("l %s amount=%v plan=%s result= disabled=%v", opt(l["external_id"]), l["amount_in_cents"], opt(l["plan_uuid"]), l["disabled"]))
	}
	for _, t := range entries(tb, o, "transactions") {
		parts = append(parts, fmt.Sprintf("t %s amount=%v plan= result=%v disabled=%v", opt(t["external_id"]), t["amount_in_cents"], t["result"], t["disabled"]))
	}
	slices.Sort(parts)
	return fmt.Sprintf("invoice %s of %s %s %s date=%.10s status=%s disabled=%v %v",
		o["uuid"], o["customer_uuid"], o["customer_external_id"], o["external_id"], o["date"], opt(o["status"]), o["disabled"], parts)
}

// listed is what the API lists as the invoices of a customer, in order.
func (w *walk) listed(id any) string {
	w.t.Helper()
	var list []string
	for _, o := range entries(w.t, w.must(200, "GET", fmt.Sprintf("/v1/import/customers/%s/invoices?per_page=200", id), ""), "invoices") {
		list = append(list, fmt.Sprintf("%.10s %s", o["date"], o["uuid"]))
	}
	return fmt.Sprint("invoices of ", id, " ", sameDay(list))
}

// sameDay sorts invoices of the same day by their ids, and leaves the others in place.
func sameDay(list []string) []string {
	slices.SortStableFunc(list, func(a, b string) int {
		if a[:10] != b[:10] {
			return 0
		}
		return strings.Compare(a, b)
	})
	return list
}

func (w *walk) listTold(r ref) string {
	var list []string
	for _, m := range w.w.group(r) {
		s := w.w.byTag(m.tag)
		for _, id := range w.w.all(s, "i") {
			if f, disabled, deleted := w.w.shown(s, id); f["customer"] == m.ext && !disabled && !deleted {
				list = append(list, f["date"]+" "+w.invoiceID(s, id[2:]))
			}
		}
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(b[:10]+a[10:], a[:10]+b[10:]) })
	return fmt.Sprint("invoices of ", w.customerID(r), " ", list)
}

func (w *walk) found(email string) string {
	var ids []string
	for _, s := range w.w.sources {
		for _, id := range w.w.all(s, "c") {
			if f, _, _ := w.w.shown(s, id); f["email"] != email {
				continue
			}
			if root := w.customerID(w.w.root(ref{s.tag, id[2:]})); !slices.Contains(ids, root) {
				ids = append(ids, root)
			}
		}
	}
	slices.Sort(ids)
	return fmt.Sprint(email, " ", ids)
}
